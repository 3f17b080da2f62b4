-- SPDX-License-Identifier: Apache-2.0
-- What a worker decided, written at once: one document with a list per kind of change, any number of tasks.
-- The caller holds the task rows. Lists are applied in the order of this function; each is set-based.
-- Every statement that must touch a row says so: a change that finds nothing is a defect and raises.

CREATE OR REPLACE FUNCTION w_expect(p_what text, p_wanted bigint, p_got bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_wanted IS DISTINCT FROM p_got THEN
        RAISE EXCEPTION 'change of % wanted % rows and touched %', p_what, p_wanted, p_got USING ERRCODE = 'data_exception';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION w_apply_ledger(p_at timestamptz, p jsonb) RETURNS uuid[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_keys text[];
    v_kinds text[];
    v_tasks uuid[];
    v_entries ledger_entry[];
BEGIN
    IF NOT p ? 'transfers' THEN
        RETURN '{}';
    END IF;
    SELECT array_agg(x->>0 ORDER BY o), array_agg(x->>1 ORDER BY o), array_agg((x->>2)::uuid ORDER BY o)
        INTO v_keys, v_kinds, v_tasks FROM jsonb_array_elements(p->'transfers') WITH ORDINALITY e(x, o);
    SELECT array_agg(ROW((x->>0)::int, (x->>1)::uuid, x->>2, (x->>3)::uuid, (x->>4)::bigint)::ledger_entry ORDER BY o)
        INTO v_entries FROM jsonb_array_elements(p->'entries') WITH ORDINALITY e(x, o);
    RETURN ledger_post(p_at, v_keys, v_kinds, v_tasks, v_entries);
END $$;

CREATE OR REPLACE FUNCTION w_apply_bids(p_at timestamptz, p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_count bigint;
BEGIN
    IF p ? 'bids' THEN
        UPDATE bids b SET verdict = x.verdict, reason = x.reason, rank = coalesce(x.rank, b.rank),
                          score_ppm = coalesce(x.score, b.score_ppm),
                          score_reserve_ppm = coalesce(x.reserve, b.score_reserve_ppm),
                          score_price_ppm = coalesce(x.price, b.score_price_ppm)
            FROM jsonb_to_recordset(p->'bids') AS x(id uuid, verdict text, reason text, rank int, score int,
                                                    reserve int, price int)
            WHERE b.id = x.id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('bids', jsonb_array_length(p->'bids'), v_count);
        UPDATE bids o SET verdict = 'superseded'
            FROM jsonb_to_recordset(p->'bids') AS x(id uuid) JOIN bids b ON b.id = x.id
            WHERE o.task_id = b.task_id AND o.entity_id = b.entity_id AND o.round = b.round
              AND o.revision < b.revision AND o.verdict IS NULL;
    END IF;
    IF p ? 'locks' THEN
        UPDATE bids b SET lock_state = x.state FROM jsonb_to_recordset(p->'locks') AS x(id uuid, state text)
            WHERE b.id = x.id AND b.lock_state = 'held';
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('locks', jsonb_array_length(p->'locks'), v_count);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION w_apply_jobs(p_at timestamptz, p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_count bigint;
BEGIN
    IF p ? 'job_states' THEN
        UPDATE jobs j SET state = x.state, check_verdict = coalesce(x.verdict, j.check_verdict),
                          check_reason = coalesce(x.reason, j.check_reason),
                          ended_at = CASE WHEN x.state IN ('declined', 'lapsed', 'wrong', 'voided', 'paid')
                                          THEN coalesce(j.ended_at, p_at) ELSE j.ended_at END
            FROM jsonb_to_recordset(p->'job_states') AS x(id uuid, state text, verdict text, reason text)
            WHERE j.id = x.id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('job_states', jsonb_array_length(p->'job_states'), v_count);
    END IF;
    IF p ? 'jobs' THEN
        INSERT INTO jobs (id, task_id, slot, fence, round, bid_id, entity_id, node_id, price_gwei, bond_gwei, state,
                          awarded_at, lease_until)
            SELECT x.id, x.task, x.slot, x.fence, x.round, x.bid, x.entity, x.node, x.price, x.bond, 'assigned', p_at,
                   w_time(x.lease_us)
            FROM jsonb_to_recordset(p->'jobs') AS x(id uuid, task uuid, slot int, fence int, round int, bid uuid,
                entity uuid, node uuid, price bigint, bond bigint, lease_us bigint);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION w_apply_seats(p_at timestamptz, p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_count bigint;
BEGIN
    IF p ? 'rungs' THEN
        INSERT INTO rungs (id, task_id, job_id, slot, fence, rung, seat_count, quorum, final, seed, snapshot,
                           snapshot_root, drawn_at, commit_until, reveal_until, advanced_gwei)
            SELECT x.id, x.task, x.job, x.slot, x.fence, x.rung, x.seat_count, x.quorum, x.final, decode(x.seed, 'hex'),
                   x.snapshot, decode(x.root, 'hex'), p_at, w_time(x.commit_us), w_time(x.reveal_us), x.advanced
            FROM jsonb_to_recordset(p->'rungs') AS x(id uuid, task uuid, job uuid, slot int, fence int, rung int,
                seat_count int, quorum int, final boolean, seed text, snapshot jsonb, root text, commit_us bigint,
                reveal_us bigint, advanced bigint);
    END IF;
    IF p ? 'seats' THEN
        INSERT INTO seats (id, rung_id, task_id, entity_id, node_id, weight, replaces_id, seated_at, commit_until)
            SELECT x.id, x.rung, x.task, x.entity, x.node, x.weight, x.replaces, p_at, w_time(x.commit_us)
            FROM jsonb_to_recordset(p->'seats') AS x(id uuid, rung uuid, task uuid, entity uuid, node uuid, weight int,
                replaces uuid, commit_us bigint);
    END IF;
    IF p ? 'seat_states' THEN
        UPDATE seats s SET state = coalesce(x.state, s.state), fee_gwei = coalesce(x.fee, s.fee_gwei)
            FROM jsonb_to_recordset(p->'seat_states') AS x(id uuid, state text, fee bigint) WHERE s.id = x.id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('seat_states', jsonb_array_length(p->'seat_states'), v_count);
    END IF;
    IF p ? 'rung_states' THEN
        UPDATE rungs r SET commit_until = coalesce(w_time(x.commit_us), r.commit_until),
                           reveal_until = coalesce(w_time(x.reveal_us), r.reveal_until),
                           reveal_from = coalesce(w_time(x.from_us), r.reveal_from),
                           advanced_gwei = coalesce(x.advanced, r.advanced_gwei),
                           final = coalesce(x.final, r.final), outcome = coalesce(x.outcome, r.outcome),
                           yes_weight = coalesce(x.yes, r.yes_weight), no_weight = coalesce(x.no, r.no_weight),
                           tallied_at = CASE WHEN x.outcome IS NOT NULL THEN p_at ELSE r.tallied_at END
            FROM jsonb_to_recordset(p->'rung_states') AS x(id uuid, commit_us bigint, reveal_us bigint, from_us bigint,
                advanced bigint, final boolean, outcome text, yes int, no int) WHERE r.id = x.id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('rung_states', jsonb_array_length(p->'rung_states'), v_count);
    END IF;
    IF p ? 'challenges' THEN
        UPDATE challenges c SET outcome = x.outcome, closed_at = p_at
            FROM jsonb_to_recordset(p->'challenges') AS x(id uuid, outcome text) WHERE c.id = x.id AND c.closed_at IS NULL;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('challenges', jsonb_array_length(p->'challenges'), v_count);
    END IF;
END $$;

-- Bonds, slashes and what an entity has staked afterwards. p_transfers: ids of the posted transfers, by index from 1.
CREATE OR REPLACE FUNCTION w_apply_bonds(p_at timestamptz, p jsonb, p_transfers uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_count bigint;
BEGIN
    IF p ? 'bonds' THEN
        INSERT INTO bonds (id, entity_id, purpose, task_id, subject_id, amount_gwei, opened_at)
            SELECT x.id, x.entity, x.purpose, x.task, x.subject, x.amount, p_at
            FROM jsonb_to_recordset(p->'bonds') AS x(id uuid, entity uuid, purpose text, task uuid, subject uuid, amount bigint);
    END IF;
    IF p ? 'bonds_closed' THEN
        UPDATE bonds b SET closed_at = p_at, slashed_gwei = x.slashed
            FROM jsonb_to_recordset(p->'bonds_closed') AS x(id uuid, slashed bigint) WHERE b.id = x.id AND b.closed_at IS NULL;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('bonds_closed', jsonb_array_length(p->'bonds_closed'), v_count);
    END IF;
    IF p ? 'slashes' THEN
        INSERT INTO slashes (id, entity_id, task_id, bond_id, bid_id, amount_gwei, reason, evidence, transfer_id, at)
            SELECT x.id, x.entity, x.task, x.bond, x.bid, x.amount, x.reason, x.evidence, p_transfers[x.transfer], p_at
            FROM jsonb_to_recordset(p->'slashes') AS x(id uuid, entity uuid, task uuid, bond uuid, bid uuid, amount bigint,
                reason text, evidence jsonb, transfer int);
        PERFORM stake_note(array_agg(x.entity ORDER BY x.transfer), array_agg(p_transfers[x.transfer] ORDER BY x.transfer), p_at)
            FROM jsonb_to_recordset(p->'slashes') AS x(entity uuid, transfer int);
    END IF;
END $$;

-- Moves in their order (a task may move twice), then notes.
CREATE OR REPLACE FUNCTION w_apply_events(p_at timestamptz, p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_count bigint;
BEGIN
    IF p ? 'moves' THEN
        INSERT INTO events (id, task_id, seq, kind, from_state, to_state, at, payload)
            SELECT uuid_v7(p_at), m.task, t.version + m.step, m.kind, coalesce(m.before, t.state), m.state, p_at, m.payload
            FROM (SELECT x.*, row_number() OVER w AS step, lag(x.state) OVER w AS before
                  FROM ROWS FROM (jsonb_to_recordset(p->'moves') AS (task uuid, state text, kind text, payload jsonb))
                       WITH ORDINALITY AS x(task, state, kind, payload, o)
                  WINDOW w AS (PARTITION BY x.task ORDER BY x.o)) m
            JOIN tasks t ON t.id = m.task WHERE t.finished_at IS NULL;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('moves', jsonb_array_length(p->'moves'), v_count);
        UPDATE tasks t SET state = m.state, version = t.version + m.steps, code = coalesce(m.code, t.code),
                           accepted_at = CASE WHEN m.state = 'accepted' THEN p_at ELSE t.accepted_at END,
                           finished_at = CASE WHEN m.state IN ('paid', 'refunded', 'cancelled', 'expired') THEN p_at END
            FROM (SELECT DISTINCT ON (x.task) x.task, x.state, x.code, count(*) OVER (PARTITION BY x.task) AS steps
                  FROM ROWS FROM (jsonb_to_recordset(p->'moves') AS (task uuid, state text, code int))
                       WITH ORDINALITY AS x(task, state, code, o) ORDER BY x.task, x.o DESC) m
            WHERE t.id = m.task;
    END IF;
    IF p ? 'notes' THEN
        INSERT INTO events (id, task_id, kind, at, payload)
            SELECT uuid_v7(p_at), x.task, x.kind, p_at, x.payload
            FROM jsonb_to_recordset(p->'notes') AS x(task uuid, kind text, payload jsonb);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION w_apply_tasks(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_count bigint;
BEGIN
    IF p ? 'tasks' THEN
        UPDATE tasks t SET round = coalesce(x.round, t.round), closes_at = coalesce(w_time(x.closes_us), t.closes_at),
                           opens_until = coalesce(w_time(x.opens_us), t.opens_until),
                           settle_by = coalesce(w_time(x.settle_us), t.settle_by),
                           unwitnessed = coalesce(x.unwitnessed, t.unwitnessed)
            FROM jsonb_to_recordset(p->'tasks') AS x(id uuid, round int, closes_us bigint, opens_us bigint,
                settle_us bigint, unwitnessed boolean) WHERE t.id = x.id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        PERFORM w_expect('tasks', jsonb_array_length(p->'tasks'), v_count);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION w_apply_settlements(p_at timestamptz, p jsonb, p_transfers uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p ? 'settlements' THEN
        INSERT INTO settlements (task_id, outcome, reason, escrow_gwei, provider_gwei, fee_gwei, verifier_gwei, refund_gwei,
                                 transfer_id, at)
            SELECT x.task, x.outcome, x.reason, x.escrow, x.provider, x.fee, x.verifier, x.refund,
                   coalesce(p_transfers[x.transfer], nil_uuid()), p_at
            FROM jsonb_to_recordset(p->'settlements') AS x(task uuid, outcome text, reason text, escrow bigint,
                provider bigint, fee bigint, verifier bigint, refund bigint, transfer int);
    END IF;
    IF p ? 'lines' THEN
        INSERT INTO settlement_lines (task_id, line, entity_id, account_kind, amount_gwei, job_id, seat_id, rule)
            SELECT (x->>0)::uuid, row_number() OVER (PARTITION BY x->>0 ORDER BY o), (x->>1)::uuid, x->>2,
                   (x->>3)::bigint, (x->>4)::uuid, (x->>5)::uuid, x->>6
            FROM jsonb_array_elements(p->'lines') WITH ORDINALITY e(x, o);
    END IF;
END $$;

-- done: [work id, version]: removed unless somebody asked again meanwhile. asks: [job, subject, due_us].
CREATE OR REPLACE FUNCTION w_apply_work(p jsonb) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF p ? 'done' THEN
        DELETE FROM work w USING jsonb_array_elements(p->'done') x
            WHERE w.id = (x->>0)::uuid AND w.version = (x->>1)::bigint;
    END IF;
    IF p ? 'asks' THEN
        PERFORM work_ask(x->>0, (x->>1)::uuid, w_time((x->>2)::bigint))
            FROM jsonb_array_elements(p->'asks') WITH ORDINALITY e(x, o);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION w_apply(p jsonb) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz := w_time((p->>'at_us')::bigint);
    v_transfers uuid[] := w_apply_ledger(v_at, p);
BEGIN
    PERFORM w_apply_bids(v_at, p);
    PERFORM w_apply_jobs(v_at, p);
    PERFORM w_apply_seats(v_at, p);
    PERFORM w_apply_bonds(v_at, p, v_transfers);
    PERFORM w_apply_tasks(p);
    PERFORM w_apply_events(v_at, p);
    PERFORM w_apply_settlements(v_at, p, v_transfers);
    PERFORM w_apply_work(p);
    RETURN true;
END $$;
