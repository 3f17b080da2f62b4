-- SPDX-License-Identifier: Apache-2.0
-- What a provider does with a slot it won. Every write names the fence; the task lock excludes the dispatcher.

-- Why a job write is refused before its own rules are looked at; NULL when it may go on.
CREATE OR REPLACE FUNCTION job_refusal(j jobs, p_entity uuid, p_fence bigint, p_locked uuid[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN j.id IS NULL THEN 'not_found'
        WHEN j.entity_id <> p_entity THEN 'forbidden'
        WHEN j.task_id <> ALL (p_locked) THEN 'busy'
        WHEN j.fence <> p_fence THEN 'fence_stale'
        WHEN j.state = 'lapsed' THEN 'lease_lapsed'
        WHEN j.state IN ('wrong', 'voided') THEN 'fence_stale' END
$$;

-- The provider is alive. The lease itself does not move.
CREATE OR REPLACE FUNCTION job_heartbeat(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_job uuid[], p_fence bigint[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[];
BEGIN
    v_locked := tasks_lock(array(SELECT b.task_id FROM jobs b WHERE b.id = ANY (p_job)), true);
    PERFORM 1 FROM jobs WHERE id = ANY (p_job) ORDER BY id FOR NO KEY UPDATE;
    v_at := clock_timestamp();
    SELECT array_agg(CASE
            WHEN x.verdict IS NOT NULL THEN outcome_known(x.ord, x.verdict, x.made_id, x.made_at, x.made_detail)
            WHEN x.refusal IS NOT NULL THEN (x.ord, x.refusal, NULL, NULL, NULL, false, NULL)::outcome
            ELSE (x.ord, 'ok', x.id, v_at, '{"state":"' || x.state || '","lease_until":"' || utc_text(x.lease_until) || '"}',
                  false, NULL)::outcome END ORDER BY x.ord)
        INTO v_done
        FROM (SELECT c.*, b.id, b.state, b.lease_until, coalesce(job_refusal(b, c.entity, p_fence[c.ord], v_locked), CASE
                  WHEN b.state = 'declined' THEN 'fence_stale'
                  WHEN b.state = 'assigned' AND v_at > b.lease_until THEN 'lease_lapsed' END) AS refusal
              FROM calls_judged('job_heartbeat', p_entity, p_key, p_idem, p_hash) c
              LEFT JOIN jobs b ON b.id = p_job[c.ord]) x;
    UPDATE jobs b SET heartbeat_at = v_at
        WHERE b.id IN (SELECT d.id FROM unnest(v_done) d WHERE d.status = 'ok' AND NOT d.replayed)
          AND b.state IN ('assigned', 'committed');
    PERFORM calls_keep('job_heartbeat', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- Gives the slot back before committing; the dispatcher finds the next bid. What it costs is policy.
CREATE OR REPLACE FUNCTION job_decline(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_job uuid[], p_fence bigint[],
                                       p_reason text[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_job jobs;
    c record;
BEGIN
    v_locked := tasks_lock(array(SELECT b.task_id FROM jobs b WHERE b.id = ANY (p_job)), false);
    v_at := clock_timestamp();
    FOR c IN SELECT * FROM calls_judged('job_decline', p_entity, p_key, p_idem, p_hash) j ORDER BY p_job[j.ord], j.ord LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        SELECT * INTO v_job FROM jobs WHERE id = p_job[c.ord];
        v_status := coalesce(job_refusal(v_job, c.entity, p_fence[c.ord], v_locked),
            CASE WHEN v_job.state NOT IN ('assigned', 'declined') THEN 'already_done'
                 WHEN v_job.state = 'assigned' AND v_at > v_job.lease_until THEN 'lease_lapsed'
                 WHEN length(p_reason[c.ord]) > 200 THEN 'bad_field' END, 'ok');
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        IF v_job.state = 'assigned' THEN
            UPDATE jobs SET state = 'declined', ended_at = v_at WHERE id = v_job.id;
            PERFORM event_note(v_job.task_id, 'declined', v_at, jsonb_build_object('job', typeid('job', v_job.id),
                'slot', v_job.slot, 'fence', v_job.fence, 'reason', coalesce(p_reason[c.ord], '')));
            PERFORM work_ask('dispatch', v_job.task_id, v_at);
        END IF;
        v_done := v_done || (c.ord, 'ok', v_job.id, coalesce(v_job.ended_at, v_at), NULL, false, 'work task:' || v_job.task_id)::outcome;
    END LOOP;
    PERFORM calls_keep('job_decline', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- Wakes the nodes that may reveal now: none while a live slot of the task has not committed.
CREATE OR REPLACE FUNCTION reveal_wake(p_task uuid) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT 'task:' || p_task || CASE WHEN bool_or(state = 'assigned') THEN ''
            ELSE ' ' || coalesce(string_agg('node:' || node_id, ' ') FILTER (WHERE state = 'committed'), '') END
        FROM jobs WHERE task_id = p_task AND state IN ('assigned', 'committed', 'revealed', 'checked'));
END $$;

-- The first commitment of a fence is final. In time means: within the lease and before the deadline, by a clock read under the lock.
CREATE OR REPLACE FUNCTION job_commit(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_job uuid[], p_fence bigint[],
                                      p_commitment bytea[], p_signature bytea[], p_node_key bytea[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[];
BEGIN
    v_locked := tasks_lock(array(SELECT b.task_id FROM jobs b WHERE b.id = ANY (p_job)), false);
    v_at := clock_timestamp();
    SELECT array_agg(CASE
            WHEN x.verdict IS NOT NULL THEN outcome_known(x.ord, x.verdict, x.made_id, x.made_at, x.made_detail)
            WHEN x.refusal IS NOT NULL THEN (x.ord, x.refusal, NULL, NULL, NULL, false, NULL)::outcome
            ELSE (x.ord, 'ok', x.id, coalesce(x.committed_at, v_at), NULL, false, NULL)::outcome END ORDER BY x.ord)
        INTO v_done
        FROM (SELECT c.*, b.id, b.committed_at, coalesce(job_refusal(b, c.entity, p_fence[c.ord], v_locked), CASE
                  WHEN b.state = 'declined' THEN 'fence_stale'
                  WHEN octet_length(p_commitment[c.ord]) <> 32 OR octet_length(p_signature[c.ord]) <> 64 THEN 'bad_field'
                  WHEN n.node_key <> p_node_key[c.ord] THEN 'commitment_mismatch'
                  WHEN b.commitment IS NOT NULL THEN CASE WHEN b.commitment <> p_commitment[c.ord] THEN 'already_done' END
                  WHEN first_value(p_commitment[c.ord]) OVER (PARTITION BY b.id ORDER BY c.ord) <> p_commitment[c.ord] THEN 'busy'
                  WHEN v_at > b.lease_until OR v_at > t.deadline_at THEN 'lease_lapsed' END) AS refusal
              FROM calls_judged('job_commit', p_entity, p_key, p_idem, p_hash) c
              LEFT JOIN jobs b ON b.id = p_job[c.ord]
              LEFT JOIN nodes n ON n.id = b.node_id
              LEFT JOIN tasks t ON t.id = b.task_id) x;
    WITH fresh AS (
        UPDATE jobs b SET state = 'committed', commitment = o.commitment, commit_signature = o.signature, committed_at = v_at,
                heartbeat_at = v_at
            FROM (SELECT DISTINCT ON (d.id) d.id, p_commitment[d.ord] AS commitment, p_signature[d.ord] AS signature
                  FROM unnest(v_done) d WHERE d.status = 'ok' AND NOT d.replayed ORDER BY d.id, d.ord) o
            WHERE b.id = o.id AND b.state = 'assigned'
            RETURNING b.id, b.task_id, b.slot, b.fence, b.commitment)
    INSERT INTO events (id, task_id, kind, at, payload)
        SELECT uuid_v7(v_at), f.task_id, 'committed', v_at, jsonb_build_object('job', typeid('job', f.id), 'slot', f.slot,
            'fence', f.fence, 'commitment', encode(f.commitment, 'hex')) FROM fresh f;
    PERFORM calls_keep('job_commit', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT d.ord, d.status, d.id, d.at, d.detail, d.replayed,
            CASE WHEN d.status = 'ok' THEN (SELECT reveal_wake(b.task_id) FROM jobs b WHERE b.id = d.id) END
        FROM unnest(v_done) d;
END $$;

-- Until when a committed slot may reveal: its own lease, or a reveal window after the last commitment it had to wait for.
CREATE OR REPLACE FUNCTION reveal_until(p_task uuid, p_lease timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT greatest(p_lease, max(j.committed_at) + p.reveal_ms * interval '1 ms')
        FROM jobs j JOIN tasks t ON t.id = j.task_id JOIN policies p ON p.id = t.policy_id
        WHERE j.task_id = p_task AND j.state IN ('committed', 'revealed', 'checked') GROUP BY p.reveal_ms);
END $$;

-- Opens the commitment with the result itself. Not before every live slot has committed, so that nobody can copy.
CREATE OR REPLACE FUNCTION job_reveal(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_job uuid[], p_fence bigint[],
    p_commitment bytea[], p_salt bytea[], p_digest bytea[], p_result bytea[], p_blob uuid[],
    p_task uuid[], p_slot bigint[], p_node_key bytea[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_job jobs;
    v_blob blobs;
    c record;
BEGIN
    v_locked := tasks_lock(array(SELECT b.task_id FROM jobs b WHERE b.id = ANY (p_job)), false);
    v_at := clock_timestamp();
    FOR c IN SELECT * FROM calls_judged('job_reveal', p_entity, p_key, p_idem, p_hash) j ORDER BY p_job[j.ord], j.ord LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        SELECT * INTO v_job FROM jobs WHERE id = p_job[c.ord];
        SELECT * INTO v_blob FROM blobs WHERE id = p_blob[c.ord] AND entity_id = c.entity;
        v_status := coalesce(job_refusal(v_job, c.entity, p_fence[c.ord], v_locked), CASE
            WHEN v_job.state = 'declined' THEN 'fence_stale'
            WHEN v_job.commitment IS NULL THEN 'not_committed'
            WHEN v_job.commitment <> p_commitment[c.ord] OR v_job.task_id <> p_task[c.ord] OR v_job.slot <> p_slot[c.ord]
                OR p_node_key[c.ord] <> (SELECT n.node_key FROM nodes n WHERE n.id = v_job.node_id) THEN 'commitment_mismatch'
            WHEN v_job.revealed_at IS NOT NULL THEN 'ok'
            WHEN EXISTS (SELECT 1 FROM jobs s WHERE s.task_id = v_job.task_id AND s.state = 'assigned') THEN 'reveal_early'
            WHEN v_job.state <> 'committed' OR v_at >= reveal_until(v_job.task_id, v_job.lease_until) THEN 'lease_lapsed'
            WHEN (p_result[c.ord] IS NULL) = (p_blob[c.ord] IS NULL) THEN 'bad_field'
            WHEN p_blob[c.ord] IS NULL AND octet_length(p_result[c.ord]) > 1048576 THEN 'too_large'
            WHEN p_blob[c.ord] IS NULL AND sha256(p_result[c.ord]) <> p_digest[c.ord] THEN 'blob_hash_mismatch'
            WHEN p_blob[c.ord] IS NOT NULL AND (v_blob.id IS NULL OR v_blob.state <> 'complete') THEN 'blob_incomplete'
            WHEN p_blob[c.ord] IS NOT NULL AND v_blob.digest <> p_digest[c.ord] THEN 'blob_hash_mismatch' END, 'ok');
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        IF v_job.revealed_at IS NULL THEN
            UPDATE jobs SET state = 'revealed', result = p_result[c.ord], result_blob_id = p_blob[c.ord],
                result_digest = p_digest[c.ord], result_salt = p_salt[c.ord], revealed_at = v_at WHERE id = v_job.id;
            PERFORM event_note(v_job.task_id, 'revealed', v_at, jsonb_build_object('job', typeid('job', v_job.id),
                'slot', v_job.slot, 'fence', v_job.fence, 'digest', encode(p_digest[c.ord], 'hex')));
            IF NOT EXISTS (SELECT 1 FROM jobs s WHERE s.task_id = v_job.task_id AND s.state IN ('assigned', 'committed')) THEN
                PERFORM work_ask('dispatch', v_job.task_id, v_at);
            END IF;
        END IF;
        v_done := v_done || (c.ord, 'ok', v_job.id, coalesce(v_job.revealed_at, v_at), NULL, false,
            'work task:' || v_job.task_id)::outcome;
    END LOOP;
    PERFORM calls_keep('job_reveal', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;
