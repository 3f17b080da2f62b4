-- SPDX-License-Identifier: Apache-2.0
-- People and steps of the worker tests, over the functions the API calls. Every step must succeed. The API key of an entity
-- has the entity's id; the key of a node is SHA-256 of its id; signatures are checked by the API and are zero here.

CREATE FUNCTION t_must(p_what text, p_status text, p_detail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_status <> 'ok' THEN
        RAISE EXCEPTION '% answered % %', p_what, p_status, p_detail;
    END IF;
END $$;

CREATE FUNCTION t_key(p_node uuid) RETURNS bytea LANGUAGE sql AS $$ SELECT sha256(uuid_send(p_node)) $$;
CREATE FUNCTION t_sig() RETURNS bytea LANGUAGE sql AS $$ SELECT decode(repeat('00', 64), 'hex') $$;
CREATE FUNCTION t_hash() RETURNS bytea LANGUAGE sql AS $$ SELECT sha256('') $$;

-- What a bidder knows and the coordinator does not, until the opening.
CREATE TABLE t_prices (bid uuid PRIMARY KEY, price bigint NOT NULL);

CREATE FUNCTION t_policy(p_name text, p_base text, p_changes jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO policies SELECT p.* FROM policies b, jsonb_populate_record(b, p_changes
        || jsonb_build_object('id', gen_random_uuid(), 'name', p_name, 'version', 1)) p
    WHERE b.name = p_base AND b.version = 1
$$;

CREATE FUNCTION t_entity(p_id uuid, p_name text, p_funds bigint, p_stake bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome;
BEGIN
    INSERT INTO entities (id, name, created_at) VALUES (p_id, p_name, clock_timestamp());
    INSERT INTO api_keys (id, entity_id, name, secret_hash, scopes, created_at)
        VALUES (p_id, p_id, 'test', t_hash(), 255, clock_timestamp());
    SELECT * INTO r FROM faucet(ARRAY[p_id], ARRAY[p_id], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[gen_random_uuid()], ARRAY[p_funds]);
    PERFORM t_must('faucet', r.status, r.detail);
    IF p_stake > 0 THEN
        SELECT * INTO r FROM stake(ARRAY[p_id], ARRAY[p_id], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[gen_random_uuid()], ARRAY[p_stake]);
        PERFORM t_must('stake', r.status, r.detail);
    END IF;
END $$;

CREATE FUNCTION t_node(p_id uuid, p_entity uuid, p_kind text, p_provides boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome;
BEGIN
    SELECT * INTO r FROM node_register(ARRAY[p_entity], ARRAY[p_entity], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_id],
        ARRAY['node'], ARRAY[t_key(p_id)], ARRAY['cpu'], ARRAY[p_kind], ARRAY[p_provides], ARRAY[NOT p_provides], ARRAY['{}']);
    PERFORM t_must('node_register', r.status, r.detail);
    SELECT * INTO r FROM node_heartbeat(ARRAY[p_entity], ARRAY[p_entity], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_id], ARRAY[false]);
    PERFORM t_must('node_heartbeat', r.status, r.detail);
    IF p_provides THEN
        SELECT * INTO r FROM node_reserve(ARRAY[p_entity], ARRAY[p_entity], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_id],
            ARRAY[1000000000::bigint]);
        PERFORM t_must('node_reserve', r.status, r.detail);
    END IF;
END $$;

CREATE FUNCTION t_task(p_id uuid, p_entity uuid, p_policy text, p_kind text, p_input text, p_price bigint, p_replicas bigint,
                       p_deadline_ms bigint, p_rounds bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome;
BEGIN
    SELECT * INTO r FROM task_create(ARRAY[p_entity], ARRAY[p_entity], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_id], ARRAY[p_kind],
        ARRAY[1::bigint], ARRAY[NULL::text], ARRAY[p_policy], ARRAY[p_input], ARRAY[sha256(p_input::bytea)], ARRAY[NULL::uuid],
        ARRAY['any'], ARRAY[1::bigint], ARRAY['hashes'], ARRAY[p_price], ARRAY[p_replicas], ARRAY[NULL::bigint],
        ARRAY[NULL::bigint], ARRAY[NULL::text], ARRAY[NULL::bigint], ARRAY[NULL::bigint], ARRAY[p_deadline_ms],
        ARRAY[p_rounds], ARRAY[NULL::text], ARRAY[NULL::text]);
    PERFORM t_must('task_create', r.status, r.detail);
END $$;

CREATE FUNCTION t_cancel(p_task uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome; e uuid := (SELECT entity_id FROM tasks WHERE id = p_task);
BEGIN
    SELECT * INTO r FROM task_cancel(ARRAY[e], ARRAY[e], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_task]);
    PERFORM t_must('task_cancel', r.status, r.detail);
END $$;

CREATE FUNCTION t_bid(p_id uuid, p_task uuid, p_entity uuid, p_node uuid, p_commitment bytea, p_price bigint, p_salt bytea)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r outcome;
    v_operator boolean := (SELECT sealing = 'operator' FROM tasks WHERE id = p_task);
BEGIN
    SELECT * INTO r FROM bid_create(ARRAY[p_entity], ARRAY[p_entity], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_id], ARRAY[p_task],
        ARRAY[p_node], ARRAY[p_commitment], ARRAY[t_sig()], ARRAY[CASE WHEN v_operator THEN p_price END],
        ARRAY[CASE WHEN v_operator THEN p_salt END], ARRAY[t_key(p_node)]);
    PERFORM t_must('bid_create', r.status, r.detail);
END $$;

CREATE FUNCTION t_open(p_bid uuid, p_price bigint, p_salt bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome; b bids;
BEGIN
    SELECT * INTO b FROM bids WHERE id = p_bid;
    SELECT * INTO r FROM bid_open(ARRAY[b.entity_id], ARRAY[b.entity_id], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_bid],
        ARRAY[p_price], ARRAY[p_salt], ARRAY[b.commitment::bytea], ARRAY[b.task_id], ARRAY[b.node_id]);
    PERFORM t_must('bid_open', r.status, r.detail);
END $$;

CREATE FUNCTION t_decline(p_job uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome; j jobs;
BEGIN
    SELECT * INTO j FROM jobs WHERE id = p_job;
    SELECT * INTO r FROM job_decline(ARRAY[j.entity_id], ARRAY[j.entity_id], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_job],
        ARRAY[j.fence::bigint], ARRAY['not today']);
    PERFORM t_must('job_decline', r.status, r.detail);
END $$;

CREATE FUNCTION t_commit(p_job uuid, p_commitment bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome; j jobs;
BEGIN
    SELECT * INTO j FROM jobs WHERE id = p_job;
    SELECT * INTO r FROM job_commit(ARRAY[j.entity_id], ARRAY[j.entity_id], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_job],
        ARRAY[j.fence::bigint], ARRAY[p_commitment], ARRAY[t_sig()], ARRAY[t_key(j.node_id)]);
    PERFORM t_must('job_commit', r.status, r.detail);
END $$;

CREATE FUNCTION t_reveal(p_job uuid, p_salt bytea, p_result bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome; j jobs;
BEGIN
    SELECT * INTO j FROM jobs WHERE id = p_job;
    SELECT * INTO r FROM job_reveal(ARRAY[j.entity_id], ARRAY[j.entity_id], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_job],
        ARRAY[j.fence::bigint], ARRAY[j.commitment::bytea], ARRAY[p_salt], ARRAY[sha256(p_result)], ARRAY[p_result],
        ARRAY[NULL::uuid], ARRAY[j.task_id], ARRAY[j.slot::bigint], ARRAY[t_key(j.node_id)]);
    PERFORM t_must('job_reveal', r.status, r.detail);
END $$;

CREATE FUNCTION t_vote_commit(p_seat uuid, p_commitment bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome; s seats;
BEGIN
    SELECT * INTO s FROM seats WHERE id = p_seat;
    SELECT * INTO r FROM vote_commit(ARRAY[s.entity_id], ARRAY[s.entity_id], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_seat],
        ARRAY[p_commitment], ARRAY[t_sig()], ARRAY[t_key(s.node_id)]);
    PERFORM t_must('vote_commit', r.status, r.detail);
END $$;

CREATE FUNCTION t_vote_reveal(p_seat uuid, p_vote boolean, p_salt bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome; s seats; g rungs;
BEGIN
    SELECT * INTO s FROM seats WHERE id = p_seat;
    SELECT * INTO g FROM rungs WHERE id = s.rung_id;
    SELECT * INTO r FROM vote_reveal(ARRAY[s.entity_id], ARRAY[s.entity_id], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_seat],
        ARRAY[p_vote], ARRAY[NULL::text], ARRAY[p_salt], ARRAY[s.commitment::bytea], ARRAY[s.task_id], ARRAY[g.slot::bigint],
        ARRAY[g.fence::bigint], ARRAY[g.rung::bigint], ARRAY[t_key(s.node_id)]);
    PERFORM t_must('vote_reveal', r.status, r.detail);
END $$;

CREATE FUNCTION t_challenge(p_id uuid, p_task uuid, p_entity uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r outcome;
BEGIN
    SELECT * INTO r FROM challenge_create(ARRAY[p_entity], ARRAY[p_entity], ARRAY[NULL::text], ARRAY[t_hash()], ARRAY[p_id], ARRAY[p_task],
        ARRAY[(SELECT id FROM jobs WHERE task_id = p_task AND state = 'accepted' ORDER BY slot LIMIT 1)], ARRAY['I got another result']);
    PERFORM t_must('challenge_create', r.status, r.detail);
END $$;

-- Lets time pass for whoever is waited for in vain: windows are long so that a busy machine breaks no test, and close here.
-- Each list holds entities that will not do the step.
CREATE FUNCTION t_hurry(p_unopening uuid[], p_idle uuid[], p_unrevealing uuid[], p_absent uuid[], p_silent uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks t SET closes_at = clock_timestamp(), opens_until = clock_timestamp() + (t.opens_until - t.closes_at)
        WHERE state = 'open' AND closes_at > clock_timestamp();
    UPDATE tasks t SET opens_until = clock_timestamp() WHERE state = 'opening' AND opens_until > clock_timestamp()
        AND NOT EXISTS (SELECT 1 FROM bids b WHERE b.task_id = t.id AND b.round = t.round AND b.opened_at IS NULL
                        AND b.entity_id <> ALL (p_unopening));
    UPDATE jobs SET lease_until = clock_timestamp() WHERE state = 'assigned' AND entity_id = ANY (p_idle);
    UPDATE jobs j SET lease_until = clock_timestamp() WHERE state = 'committed' AND entity_id = ANY (p_unrevealing) AND lease_until > clock_timestamp()
        AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.task_id = j.task_id AND o.state = 'assigned');
    UPDATE seats SET commit_until = clock_timestamp() WHERE state = 'seated' AND entity_id = ANY (p_absent)
        AND commit_until > clock_timestamp();
    UPDATE rungs r SET reveal_until = clock_timestamp() WHERE reveal_from IS NOT NULL AND tallied_at IS NULL
        AND reveal_until > clock_timestamp()
        AND NOT EXISTS (SELECT 1 FROM seats s WHERE s.rung_id = r.id AND s.state = 'committed' AND s.entity_id <> ALL (p_silent));
    UPDATE work SET due_at = clock_timestamp() WHERE due_at > clock_timestamp() AND job IN ('auction', 'dispatch', 'committee');
END $$;

-- What must hold after every commit of a worker, in this suite's own words (sql/invariants.sql says it in its own).
CREATE FUNCTION t_violations() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'transfer ' || t.key || ' has one leg or none' FROM transfers t
        WHERE (SELECT count(*) FROM entries e WHERE e.transfer_id = t.id) < 2
    UNION ALL SELECT 'account ' || a.kind || ' of ' || a.owner || ' is not the sum of its entries' FROM ledger_accounts a
        WHERE a.balance_gwei <> (SELECT coalesce(sum(amount_gwei), 0) FROM entries e WHERE e.account_id = a.id)
    UNION ALL SELECT 'the ledger does not sum to zero' FROM ledger_accounts GROUP BY asset HAVING sum(balance_gwei) <> 0
    UNION ALL SELECT 'staked CYS is not issued CGT' WHERE (SELECT coalesce(sum(balance_gwei), 0) FROM ledger_accounts
        WHERE kind IN ('staked', 'issued')) <> 0
    UNION ALL SELECT 'escrow of task ' || t.id || ' (' || t.state || ') is not its promise' FROM tasks t
        WHERE ledger_balance(t.entity_id, 'escrow', t.id) <> CASE WHEN t.finished_at IS NULL THEN t.escrow_gwei
            + (SELECT coalesce(sum(r.advanced_gwei), 0) FROM rungs r WHERE r.task_id = t.id) ELSE 0 END
    UNION ALL SELECT 'settlements of task ' || t.id FROM tasks t
        WHERE (t.finished_at IS NOT NULL) <> EXISTS (SELECT 1 FROM settlements s WHERE s.task_id = t.id)
    UNION ALL SELECT 'lines of settlement ' || s.task_id FROM settlements s
        WHERE s.escrow_gwei <> (SELECT coalesce(sum(l.amount_gwei), 0) FROM settlement_lines l WHERE l.task_id = s.task_id)
    UNION ALL SELECT 'bond account of ' || e.id FROM entities e WHERE ledger_balance(e.id, 'bond') <>
        (SELECT coalesce(sum(amount_gwei), 0) FROM bonds b WHERE b.entity_id = e.id AND b.closed_at IS NULL)
        + (SELECT coalesce(sum(lock_gwei), 0) FROM bids b WHERE b.entity_id = e.id AND b.lock_state = 'held')
    UNION ALL SELECT 'task ' || t.id || ' is final and holds reserve' FROM tasks t WHERE t.finished_at IS NOT NULL
        AND (EXISTS (SELECT 1 FROM bonds b WHERE b.task_id = t.id AND b.closed_at IS NULL)
             OR EXISTS (SELECT 1 FROM bids b WHERE b.task_id = t.id AND b.lock_state = 'held'))
    UNION ALL SELECT 'events of task ' || t.id FROM tasks t WHERE t.version <> (SELECT max(seq) FROM events e WHERE e.task_id = t.id)
        OR t.version <> (SELECT count(*) FROM events e WHERE e.task_id = t.id AND e.seq IS NOT NULL)
        OR t.state <> (SELECT e.to_state FROM events e WHERE e.task_id = t.id ORDER BY seq DESC NULLS LAST LIMIT 1)
        OR EXISTS (SELECT 1 FROM events e JOIN events n ON n.task_id = e.task_id AND n.seq = e.seq + 1
                   WHERE e.task_id = t.id AND n.from_state <> e.to_state)
    UNION ALL SELECT 'task ' || t.id || ' lives and nothing will move it' FROM tasks t WHERE t.finished_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM work w WHERE w.subject_id = t.id)
    UNION ALL SELECT 'slashes of bond ' || b.id FROM bonds b WHERE b.slashed_gwei <>
        (SELECT coalesce(sum(s.amount_gwei), 0) FROM slashes s WHERE s.bond_id = b.id)
    UNION ALL SELECT 'seat ' || s.id || ' judges its own task' FROM seats s JOIN tasks t ON t.id = s.task_id
        WHERE s.entity_id = t.entity_id OR EXISTS (SELECT 1 FROM bids b WHERE b.task_id = t.id AND b.entity_id = s.entity_id)
    UNION ALL SELECT 'task ' || t.id || ' was paid without a quorum' FROM tasks t WHERE t.state = 'paid' AND NOT t.unwitnessed
        AND EXISTS (SELECT 1 FROM jobs j WHERE j.task_id = t.id AND j.state = 'paid' AND NOT EXISTS
            (SELECT 1 FROM rungs r WHERE r.job_id = j.id AND r.outcome = 'accept' AND r.yes_weight >= r.quorum))
$$;
