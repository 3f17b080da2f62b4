-- SPDX-License-Identifier: Apache-2.0
-- Ids, ledger, events and work rows: what every other function builds on.

CREATE OR REPLACE FUNCTION nil_uuid() RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '00000000-0000-0000-0000-000000000000'::uuid;

-- UUIDv7 of a moment (RFC 9562): 48 bits of milliseconds, then random bits.
CREATE OR REPLACE FUNCTION uuid_v7(p_at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((date_part('epoch', p_at) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text, 16))::uuid
$$;

-- Up to 4096 of one moment, in order: a counter in the 12 bits after the version, one draw of random bits for all.
CREATE OR REPLACE FUNCTION uuid_v7s(p_at timestamptz, p_count int) RETURNS uuid[] LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT array_agg((r.head || lpad(to_hex(i), 3, '0') || r.tail)::uuid ORDER BY i)
    FROM (SELECT lpad(to_hex((date_part('epoch', p_at) * 1000)::bigint), 12, '0') || '7' AS head,
                 substr(gen_random_uuid()::text, 20) AS tail OFFSET 0) r,
         generate_series(0, p_count - 1) i
$$;

-- The id of a ledger account is a function of what it is, so nobody has to look it up.
CREATE OR REPLACE FUNCTION ledger_id(p_owner uuid, p_kind text, p_ref uuid) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5(p_owner::text || ':' || p_kind || ':' || p_ref::text)::uuid;

-- One of sixteen shards of a system account, chosen by any uuid.
CREATE OR REPLACE FUNCTION ledger_shard(p_by uuid) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('00000000-0000-0000-0000-00000000000' || substr(p_by::text, 36, 1))::uuid;

DO $$ BEGIN
    CREATE TYPE ledger_entry AS (
        transfer int,        -- index into the transfers, from 1
        owner uuid,          -- nil: the system
        kind text,
        ref uuid,            -- task of an escrow, shard of a system account, else nil
        amount bigint);
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

-- Creates what is missing of these accounts, then locks them all in id order: the lock order of everything that moves money.
-- Creating comes first, in the same order: who waits for another's new account holds no lock that the other could want.
CREATE OR REPLACE FUNCTION ledger_lock(p_owners uuid[], p_kinds text[], p_refs uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_ids uuid[];
    v_found int;
BEGIN
    SELECT array_agg(DISTINCT ledger_id(a.owner, a.kind, a.ref)) INTO v_ids
        FROM unnest(p_owners, p_kinds, p_refs) AS a(owner, kind, ref);
    SELECT count(*) INTO v_found FROM ledger_accounts a WHERE a.id = ANY (v_ids);
    IF v_found < cardinality(v_ids) THEN
        INSERT INTO ledger_accounts (id, owner, kind, ref)
            SELECT DISTINCT ON (1) ledger_id(a.owner, a.kind, a.ref), a.owner, a.kind, a.ref
            FROM unnest(p_owners, p_kinds, p_refs) AS a(owner, kind, ref)
            WHERE NOT EXISTS (SELECT 1 FROM ledger_accounts x WHERE x.id = ledger_id(a.owner, a.kind, a.ref)) ORDER BY 1
            ON CONFLICT DO NOTHING;
    END IF;
    PERFORM 1 FROM ledger_accounts a WHERE a.id = ANY (v_ids) ORDER BY a.id FOR NO KEY UPDATE;
END $$;

-- Posts transfers whose entries name accounts by id: the accounts exist, and amounts are not zero. p_transfers: for each entry,
-- the index of its transfer, from 1. Locks all accounts in id order, adds the summed deltas, asserts sums and row counts.
-- Raises on any violation: the caller judged funds before. p_keys: unique for ever.
CREATE OR REPLACE FUNCTION ledger_post_ids(p_at timestamptz, p_ids uuid[], p_keys text[], p_kinds text[], p_tasks uuid[], p_transfers int[],
                                           p_accounts uuid[], p_amounts bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_touched uuid[];        -- each account once, with its summed delta
    v_deltas bigint[];
    v_lines int[];           -- how many entries each transfer has
    v_rows int;
BEGIN
    SELECT array_agg(d.account ORDER BY d.account), array_agg(d.delta ORDER BY d.account) INTO v_touched, v_deltas
        FROM (SELECT e.account, sum(e.amount)::bigint AS delta FROM unnest(p_accounts, p_amounts) AS e(account, amount)
              GROUP BY e.account) d;
    PERFORM 1 FROM ledger_accounts a WHERE a.id = ANY (v_touched) ORDER BY a.id FOR NO KEY UPDATE;
    INSERT INTO transfers (id, key, kind, task_id, at)
        SELECT t.id, t.key, t.kind, t.task, p_at FROM unnest(p_ids, p_keys, p_kinds, p_tasks) AS t(id, key, kind, task);
    INSERT INTO entries (transfer_id, line, account_id, amount_gwei)
        SELECT p_ids[e.transfer], row_number() OVER (PARTITION BY e.transfer ORDER BY e.ord), e.account, e.amount
        FROM unnest(p_transfers, p_accounts, p_amounts) WITH ORDINALITY AS e(transfer, account, amount, ord);
    UPDATE ledger_accounts a SET balance_gwei = a.balance_gwei + d.delta
        FROM unnest(v_touched, v_deltas) AS d(account, delta) WHERE a.id = d.account;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    IF v_rows <> cardinality(v_touched) THEN
        RAISE EXCEPTION 'ledger lost a leg: % of % accounts', v_rows, cardinality(v_touched);
    END IF;
    -- per transfer and asset; a transfer of a single line cannot sum to zero, one without lines is missing here
    SELECT array_agg(t.lines) INTO v_lines FROM (
        SELECT sum(x.lines) AS lines FROM (
            SELECT e.transfer, count(*) AS lines, sum(e.amount) AS total
            FROM unnest(p_transfers, p_accounts, p_amounts) AS e(transfer, account, amount)
            JOIN ledger_accounts a ON a.id = e.account GROUP BY e.transfer, a.asset) x
        GROUP BY x.transfer HAVING bool_and(x.total = 0)) t;
    IF cardinality(v_lines) IS DISTINCT FROM cardinality(p_keys) THEN
        RAISE EXCEPTION 'a transfer does not sum to zero, or has no lines' USING ERRCODE = 'check_violation';
    END IF;
END $$;

-- The same for entries that name accounts by what they are: creates missing accounts, drops zero amounts. Returns the
-- transfer ids in order.
CREATE OR REPLACE FUNCTION ledger_post(p_at timestamptz, p_keys text[], p_kinds text[], p_tasks uuid[], p_entries ledger_entry[])
RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_ids uuid[];
    v_transfers int[];
    v_accounts uuid[];
    v_amounts bigint[];
BEGIN
    IF cardinality(p_keys) > 4096 THEN
        RAISE EXCEPTION 'too many transfers at once' USING ERRCODE = 'program_limit_exceeded';
    END IF;
    v_ids := uuid_v7s(p_at, cardinality(p_keys));
    SELECT array_agg(e.transfer ORDER BY e.ord), array_agg(ledger_id(e.owner, e.kind, e.ref) ORDER BY e.ord),
           array_agg(e.amount ORDER BY e.ord)
        INTO v_transfers, v_accounts, v_amounts
        FROM unnest(p_entries) WITH ORDINALITY AS e(transfer, owner, kind, ref, amount, ord) WHERE e.amount <> 0;
    PERFORM ledger_lock(array_agg(e.owner), array_agg(e.kind), array_agg(e.ref)) FROM unnest(p_entries) e WHERE e.amount <> 0;
    PERFORM ledger_post_ids(p_at, v_ids, p_keys, p_kinds, p_tasks, v_transfers, v_accounts, v_amounts);
    RETURN v_ids;
END $$;

-- Balance of one account, 0 when it does not exist yet. (plpgsql keeps its plan; SQL with a subquery is planned at every call.)
CREATE OR REPLACE FUNCTION ledger_balance(p_owner uuid, p_kind text, p_ref uuid DEFAULT nil_uuid()) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT coalesce((SELECT balance_gwei FROM ledger_accounts WHERE id = ledger_id(p_owner, p_kind, p_ref)), 0)
); END $$;

-- The smallest (reserve + bonds) of an entity over the last p_age_ms; 0 when it had none at the window's start.
CREATE OR REPLACE FUNCTION stake_minimum(p_entity uuid, p_at timestamptz, p_age_ms bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT CASE WHEN p_age_ms = 0 THEN
        coalesce((SELECT total_gwei::bigint FROM stake_history WHERE entity_id = p_entity ORDER BY at DESC, transfer_id DESC LIMIT 1), 0)
    ELSE least(
        coalesce((SELECT total_gwei::bigint FROM stake_history
                  WHERE entity_id = p_entity AND at <= p_at - p_age_ms * interval '1 ms'
                  ORDER BY at DESC, transfer_id DESC LIMIT 1), 0),
        coalesce((SELECT min(total_gwei)::bigint FROM stake_history
                  WHERE entity_id = p_entity AND at > p_at - p_age_ms * interval '1 ms'), 1000000000000000000))
    END
); END $$;

-- Asks for a job: one row per (job, subject); asking again moves it to the new time and publishes it anew.
CREATE OR REPLACE FUNCTION work_ask(p_job text, p_subject uuid, p_due timestamptz) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO work (id, job, subject_id, due_at, created_at)
    VALUES (uuid_v7(clock_timestamp()), p_job, p_subject, p_due, clock_timestamp())
    ON CONFLICT ON CONSTRAINT work_subject
    DO UPDATE SET due_at = excluded.due_at, version = work.version + 1, published_at = NULL;
END $$;

-- Moves a task to a state with its event; the row must be locked by the caller. Returns the new version.
CREATE OR REPLACE FUNCTION task_move(p_task uuid, p_to text, p_kind text, p_at timestamptz, p_payload jsonb DEFAULT '{}')
RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_from text;
    v_version int;
BEGIN
    SELECT state, version + 1 INTO STRICT v_from, v_version FROM tasks WHERE id = p_task;
    IF v_from IN ('paid', 'refunded', 'cancelled', 'expired') THEN
        RAISE EXCEPTION 'task % is final', p_task USING ERRCODE = 'check_violation';
    END IF;
    UPDATE tasks SET state = p_to, version = v_version,
        accepted_at = CASE WHEN p_to = 'accepted' THEN p_at ELSE accepted_at END,
        finished_at = CASE WHEN p_to IN ('paid', 'refunded', 'cancelled', 'expired') THEN p_at END
        WHERE id = p_task;
    INSERT INTO events (id, task_id, seq, kind, from_state, to_state, at, payload)
        VALUES (uuid_v7(p_at), p_task, v_version, p_kind, v_from, p_to, p_at, p_payload);
    RETURN v_version;
END $$;

-- A fact that is no transition.
CREATE OR REPLACE FUNCTION event_note(p_task uuid, p_kind text, p_at timestamptz, p_payload jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO events (id, task_id, kind, at, payload) VALUES (uuid_v7(p_at), p_task, p_kind, p_at, p_payload);
END $$;
