-- SPDX-License-Identifier: Apache-2.0
-- What every batched write is made of: who asks, was it asked before, which rows are ours, what is answered.
--
-- Shape of a write: lock tasks in id order (SKIP LOCKED), lock ledger accounts in id order, only then read the clock and
-- judge the rows; answer exactly one outcome per ordinal. A client's mistake is an outcome, never an exception.
-- Idempotency: rows asked before are answered from the stored outcome. The keys of fresh successes are inserted last, in
-- sorted order, when all other locks are held; a key that another server inserted meanwhile raises serialization_failure,
-- and the batch, run again, answers from the stored row. So no key lock is ever held while waiting for another lock.

DO $$ BEGIN
    CREATE TYPE outcome AS (
        ord int, status text, id uuid, at timestamptz, detail text, replayed boolean, wake text);
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

-- RFC 3339 UTC with milliseconds: how times stand in JSON.
CREATE OR REPLACE FUNCTION utc_text(p_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

CREATE OR REPLACE FUNCTION utc_ms(p_at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_trunc('milliseconds', p_at);

-- The TypeID of a uuid ("task_" and 26 digits of Crockford's base32): how ids stand in the payloads of events.
CREATE OR REPLACE FUNCTION typeid(p_prefix text, p_id uuid) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT p_prefix || '_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', substring(b.bits FROM 5 * i + 1 FOR 5)::int + 1, 1),
                                             '' ORDER BY i)
        FROM (SELECT B'00' || ('x' || replace(p_id::text, '-', ''))::bit(128) AS bits) b, generate_series(0, 25) i);
END $$;

-- SHA-256 with domain separation, as hash_tagged of server/core: the tag and each part behind its length.
CREATE OR REPLACE FUNCTION hash_tagged(p_tag text, p_parts bytea[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT sha256(substring(int2send(length(p_tag)::int2) FROM 2) || convert_to(p_tag, 'UTF8')
            || string_agg(int8send(octet_length(part)) || part, ''::bytea ORDER BY i))
        FROM unnest(p_parts) WITH ORDINALITY AS u(part, i));
END $$;

-- One row per call: verdict NULL means judge it; else it is answered already ('ok': replay of the made_* columns).
-- beneficiary: who conflicts of interest are judged by.
CREATE OR REPLACE FUNCTION calls_judged(p_operation text, p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[])
RETURNS TABLE (ord int, entity uuid, verdict text, made_id uuid, made_at timestamptz, made_detail text,
               suspended boolean, is_operator boolean, scopes int, beneficiary uuid)
LANGUAGE sql STABLE AS $$
    SELECT c.ord::int, c.entity,
           CASE WHEN k.id IS NULL THEN 'key_revoked'
                WHEN i.key IS NOT NULL THEN CASE WHEN i.body_hash = c.hash THEN 'ok' ELSE 'idempotency_mismatch' END
                WHEN c.idem IS NOT NULL AND row_number() OVER (PARTITION BY c.entity, c.idem ORDER BY c.ord) > 1 THEN 'busy' END,
           i.id, i.at, i.detail, e.suspended_at IS NOT NULL, e.is_operator, k.scopes, coalesce(e.owner_id, e.id)
    FROM unnest(p_entity, p_key, p_idem, p_hash) WITH ORDINALITY AS c(entity, key, idem, hash, ord)
    -- LIMIT: one look-up by the whole key for each row; on a young table the planner would scan an operation for all of them
    LEFT JOIN LATERAL (SELECT x.* FROM idempotency x WHERE x.entity_id = c.entity AND x.operation = p_operation AND x.key = c.idem
                       LIMIT 1) i ON true
    LEFT JOIN api_keys k ON k.id = c.key AND k.entity_id = c.entity AND k.revoked_at IS NULL
                        AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
    LEFT JOIN entities e ON e.id = c.entity
$$;

-- The answer of a call that needs no judging.
CREATE OR REPLACE FUNCTION outcome_known(p_ord int, p_verdict text, p_id uuid, p_at timestamptz, p_detail text)
RETURNS outcome LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_verdict = 'ok' THEN (p_ord, 'ok', p_id, p_at, p_detail, true, NULL)::outcome
                ELSE (p_ord, p_verdict, NULL, NULL, NULL, false, NULL)::outcome END
$$;

-- Stores what was done under which key. Refusals are not stored.
CREATE OR REPLACE FUNCTION calls_keep(p_operation text, p_entity uuid[], p_idem text[], p_hash bytea[], p_done outcome[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_rows int;
    v_kept int;
BEGIN
    SELECT count(*) INTO v_rows FROM unnest(p_done) d
        WHERE d.status = 'ok' AND NOT d.replayed AND p_idem[d.ord] IS NOT NULL;
    IF v_rows = 0 THEN
        RETURN;
    END IF;
    INSERT INTO idempotency (entity_id, operation, key, body_hash, id, at, detail)
        SELECT p_entity[d.ord], p_operation, p_idem[d.ord], p_hash[d.ord], d.id, d.at, d.detail
        FROM unnest(p_done) d WHERE d.status = 'ok' AND NOT d.replayed AND p_idem[d.ord] IS NOT NULL
        ORDER BY p_entity[d.ord], p_idem[d.ord]
        ON CONFLICT ON CONSTRAINT idempotency_key DO NOTHING;
    GET DIAGNOSTICS v_kept = ROW_COUNT;
    IF v_kept <> v_rows THEN
        RAISE EXCEPTION 'an idempotency key was used meanwhile' USING ERRCODE = 'serialization_failure';
    END IF;
END $$;

-- Locks tasks in id order and returns those it got; the rest is locked by somebody else, or missing.
-- p_shared: against the closer only (bids, heartbeats); else also against each other.
CREATE OR REPLACE FUNCTION tasks_lock(p_tasks uuid[], p_shared boolean) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_ids uuid[];
BEGIN
    IF p_shared THEN
        SELECT array_agg(t.id) INTO v_ids FROM
            (SELECT id FROM tasks WHERE id = ANY (p_tasks) ORDER BY id FOR SHARE SKIP LOCKED) t;
    ELSE
        SELECT array_agg(t.id) INTO v_ids FROM
            (SELECT id FROM tasks WHERE id = ANY (p_tasks) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED) t;
    END IF;
    RETURN coalesce(v_ids, '{}');
END $$;

-- Records reserve + bonds of each entity after transfers that changed the sum; the accounts must be locked by the caller.
-- Times of one entity grow strictly, so the newest row is well defined.
CREATE OR REPLACE FUNCTION stake_note(p_entities uuid[], p_transfers uuid[], p_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO stake_history (entity_id, at, transfer_id, total_gwei)
    SELECT DISTINCT ON (n.entity) n.entity,
           greatest(p_at, (SELECT max(h.at) + interval '1 us' FROM stake_history h WHERE h.entity_id = n.entity)),
           n.transfer, ledger_balance(n.entity, 'reserve') + ledger_balance(n.entity, 'bond')
    FROM unnest(p_entities, p_transfers) WITH ORDINALITY AS n(entity, transfer, ord) ORDER BY n.entity, n.ord DESC;
END $$;

-- Comma-separated uuids; NULL text gives NULL. The caller has checked the form with uuid_list_ok.
CREATE OR REPLACE FUNCTION uuid_list_ok(p_text text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN p_text IS NULL OR p_text = '' OR (length(p_text) <= 37 * 256 AND p_text ~
    '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(,[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})*$');

CREATE OR REPLACE FUNCTION uuid_list(p_text text) RETURNS uuid[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_text IS NULL OR p_text = '' THEN NULL ELSE string_to_array(p_text, ',')::uuid[] END;

-- A field the request got wrong: detail of 'bad_field'.
CREATE OR REPLACE FUNCTION bad_field(p_pointer text, p_reason text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN json_build_object('pointer', p_pointer, 'reason', p_reason)::text;
