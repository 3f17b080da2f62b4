-- SPDX-License-Identifier: Apache-2.0
-- Votes of a committee, and the challenge that opens another rung.

-- Wakes every node that sits in a rung.
CREATE OR REPLACE FUNCTION rung_wake(p_rung uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(string_agg('node:' || node_id, ' '), '') FROM seats WHERE rung_id = p_rung AND state = 'committed');
END $$;

-- The first commitment of a seat is final. When the last seat commits, revealing starts at once.
CREATE OR REPLACE FUNCTION vote_commit(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_seat uuid[],
                                       p_commitment bytea[], p_signature bytea[], p_node_key bytea[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_wake text;
    v_seat seats;
    c record;
BEGIN
    v_locked := tasks_lock(array(SELECT s.task_id FROM seats s WHERE s.id = ANY (p_seat)), false);
    v_at := clock_timestamp();
    FOR c IN SELECT * FROM calls_judged('vote_commit', p_entity, p_key, p_idem, p_hash) j ORDER BY p_seat[j.ord], j.ord LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        SELECT * INTO v_seat FROM seats WHERE id = p_seat[c.ord];
        v_status := CASE
            WHEN v_seat.id IS NULL THEN 'not_found'
            WHEN v_seat.entity_id <> c.entity THEN 'forbidden'
            WHEN v_seat.task_id <> ALL (v_locked) THEN 'busy'
            WHEN octet_length(p_commitment[c.ord]) <> 32 OR octet_length(p_signature[c.ord]) <> 64 THEN 'bad_field'
            WHEN p_node_key[c.ord] <> (SELECT n.node_key FROM nodes n WHERE n.id = v_seat.node_id) THEN 'commitment_mismatch'
            WHEN v_seat.commitment = p_commitment[c.ord] THEN 'ok'
            WHEN v_seat.commitment IS NOT NULL THEN 'already_done'
            WHEN v_seat.state <> 'seated' OR v_at > v_seat.commit_until THEN 'window_closed'
            ELSE 'ok' END;
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        v_wake := 'task:' || v_seat.task_id;
        IF v_seat.commitment IS NULL THEN
            UPDATE seats SET state = 'committed', commitment = p_commitment[c.ord], commit_signature = p_signature[c.ord],
                committed_at = v_at WHERE id = v_seat.id;
            PERFORM event_note(v_seat.task_id, 'committed', v_at, jsonb_build_object('seat', typeid('seat', v_seat.id),
                'rung_id', typeid('rung', v_seat.rung_id), 'commitment', encode(p_commitment[c.ord], 'hex')));
            IF NOT EXISTS (SELECT 1 FROM seats s WHERE s.rung_id = v_seat.rung_id AND s.state = 'seated') THEN
                UPDATE rungs SET reveal_from = v_at, reveal_until = v_at + (SELECT p.reveal_ms * interval '1 ms'
                        FROM tasks t JOIN policies p ON p.id = t.policy_id WHERE t.id = v_seat.task_id)
                    WHERE id = v_seat.rung_id AND reveal_from IS NULL;
                PERFORM work_ask('committee', v_seat.task_id, v_at);
                v_wake := v_wake || ' work ' || rung_wake(v_seat.rung_id);
            END IF;
        END IF;
        v_done := v_done || (c.ord, 'ok', v_seat.id, coalesce(v_seat.committed_at, v_at), NULL, false, v_wake)::outcome;
    END LOOP;
    PERFORM calls_keep('vote_commit', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- Opens a vote. Votes stay private until the tally; the event only says that this seat has voted.
CREATE OR REPLACE FUNCTION vote_reveal(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_seat uuid[], p_vote boolean[],
                                       p_reason text[], p_salt bytea[], p_commitment bytea[], p_task uuid[], p_slot bigint[], p_fence bigint[],
    p_rung bigint[], p_node_key bytea[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_seat seats;
    v_rung rungs;
    c record;
BEGIN
    v_locked := tasks_lock(array(SELECT s.task_id FROM seats s WHERE s.id = ANY (p_seat)), false);
    v_at := clock_timestamp();
    FOR c IN SELECT * FROM calls_judged('vote_reveal', p_entity, p_key, p_idem, p_hash) j ORDER BY p_seat[j.ord], j.ord LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        SELECT * INTO v_seat FROM seats WHERE id = p_seat[c.ord];
        SELECT * INTO v_rung FROM rungs WHERE id = v_seat.rung_id;
        v_status := CASE
            WHEN v_seat.id IS NULL THEN 'not_found'
            WHEN v_seat.entity_id <> c.entity THEN 'forbidden'
            WHEN v_seat.task_id <> ALL (v_locked) THEN 'busy'
            WHEN length(p_reason[c.ord]) > 200 THEN 'bad_field'
            WHEN v_seat.commitment IS NULL THEN 'not_committed'
            WHEN v_seat.commitment <> p_commitment[c.ord] OR v_seat.task_id <> p_task[c.ord] OR v_rung.slot <> p_slot[c.ord]
                OR v_rung.fence <> p_fence[c.ord] OR v_rung.rung <> p_rung[c.ord]
                OR p_node_key[c.ord] <> (SELECT n.node_key FROM nodes n WHERE n.id = v_seat.node_id) THEN 'commitment_mismatch'
            WHEN v_seat.revealed_at IS NOT NULL THEN 'ok'
            WHEN v_seat.state <> 'committed' OR v_rung.tallied_at IS NOT NULL THEN 'window_closed'
            WHEN v_rung.reveal_from IS NULL OR v_at < v_rung.reveal_from THEN 'reveal_early'
            WHEN v_at > v_rung.reveal_until THEN 'window_closed'
            ELSE 'ok' END;
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        IF v_seat.revealed_at IS NULL THEN
            UPDATE seats SET state = 'revealed', vote = p_vote[c.ord], vote_reason = p_reason[c.ord], salt = p_salt[c.ord],
                revealed_at = v_at WHERE id = v_seat.id;
            PERFORM event_note(v_seat.task_id, 'voted', v_at, jsonb_build_object('seat', typeid('seat', v_seat.id),
                'rung_id', typeid('rung', v_seat.rung_id)));
            IF NOT EXISTS (SELECT 1 FROM seats s WHERE s.rung_id = v_seat.rung_id AND s.state IN ('seated', 'committed')) THEN
                PERFORM work_ask('committee', v_seat.task_id, v_at);
            END IF;
        END IF;
        v_done := v_done || (c.ord, 'ok', v_seat.id, coalesce(v_seat.revealed_at, v_at), NULL, false,
            'work task:' || v_seat.task_id)::outcome;
    END LOOP;
    PERFORM calls_keep('vote_reveal', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- One bonded challenge for each accepted job, within the window, of work that no checker decided: the next rung opens.
CREATE OR REPLACE FUNCTION challenge_create(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_task uuid[],
                                            p_job uuid[], p_reason text[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_bond bigint;
    v_task tasks;
    v_policy policies;
    v_job jobs;
    c record;
BEGIN
    v_locked := tasks_lock(p_task, false);
    PERFORM ledger_lock(array_agg(e.id), array_agg(k.kind), array_agg(nil_uuid()))
        FROM entities e, unnest(ARRAY['reserve', 'bond']) AS k(kind) WHERE e.id = ANY (p_entity);
    v_at := clock_timestamp();
    FOR c IN SELECT * FROM calls_judged('challenge_create', p_entity, p_key, p_idem, p_hash) j ORDER BY p_task[j.ord], j.ord LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        SELECT * INTO v_task FROM tasks WHERE id = p_task[c.ord];
        SELECT * INTO v_policy FROM policies WHERE id = v_task.policy_id;
        SELECT * INTO v_job FROM jobs WHERE task_id = v_task.id AND (p_job[c.ord] IS NULL AND state = 'accepted' OR id = p_job[c.ord])
            ORDER BY slot LIMIT 1;
        v_bond := least(v_policy.seat_lock_fees::numeric * v_task.seat_fee_gwei, 1000000000000000000)::bigint;
        v_status := CASE
            WHEN v_task.id IS NULL OR (v_task.id = ANY (v_locked) AND v_job.id IS NULL) THEN 'not_found'
            WHEN v_task.id <> ALL (v_locked) THEN 'busy'
            WHEN length(p_reason[c.ord]) NOT BETWEEN 1 AND 500 THEN 'bad_field'
            WHEN c.suspended THEN 'suspended'
            WHEN v_task.state IN ('paid', 'refunded', 'cancelled', 'expired') THEN 'task_final'
            WHEN v_task.state <> 'accepted' OR v_job.state <> 'accepted' THEN 'conflict'
            WHEN v_at > v_task.accepted_at + v_policy.challenge_ms * interval '1 ms' THEN 'window_closed'
            WHEN v_job.check_verdict IN ('accept', 'reject') OR NOT v_policy.committee THEN 'not_allowed'
            WHEN v_job.entity_id = c.entity THEN 'not_allowed'
            WHEN EXISTS (SELECT 1 FROM challenges x WHERE x.job_id = v_job.id) THEN 'already_done'
            WHEN v_bond > ledger_balance(c.entity, 'reserve') THEN 'insufficient_reserve'
            ELSE 'ok' END;
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        INSERT INTO challenges (id, task_id, job_id, entity_id, reason, at)
            VALUES (p_id[c.ord], v_task.id, v_job.id, c.entity, p_reason[c.ord], v_at);
        IF v_bond > 0 THEN
            PERFORM ledger_post(v_at, ARRAY['challenge:' || p_id[c.ord]], ARRAY['challenge'], ARRAY[v_task.id], ARRAY[
                (1, c.entity, 'reserve', nil_uuid(), -v_bond)::ledger_entry, (1, c.entity, 'bond', nil_uuid(), v_bond)::ledger_entry]);
        END IF;
        INSERT INTO bonds (id, entity_id, purpose, task_id, subject_id, amount_gwei, opened_at)
            VALUES (uuid_v7(v_at), c.entity, 'challenge', v_task.id, p_id[c.ord], v_bond, v_at);
        PERFORM task_move(v_task.id, 'verifying', 'challenged', v_at, jsonb_build_object('challenge', typeid('chal', p_id[c.ord]),
            'job', typeid('job', v_job.id), 'slot', v_job.slot, 'entity', typeid('acct', c.entity)));
        PERFORM work_ask('committee', v_task.id, v_at);
        v_done := v_done || (c.ord, 'ok', p_id[c.ord], v_at,
            json_build_object('bond_gwei', v_bond, 'job_id', v_job.id)::text, false, 'work task:' || v_task.id)::outcome;
    END LOOP;
    PERFORM calls_keep('challenge_create', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;
