-- SPDX-License-Identifier: Apache-2.0
-- What a worker reads about a task: one document, read after the task row was locked.
-- Times are microseconds since 1970, hashes hexadecimal, amounts integers of gwei.

-- Not IMMUTABLE: a function that is no stricter than its body is inlined.
CREATE OR REPLACE FUNCTION w_us(p timestamptz) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
RETURN (extract(epoch FROM p) * 1000000)::bigint;

CREATE OR REPLACE FUNCTION w_time(p_us bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '1970-01-01 00:00:00+00'::timestamptz + p_us * interval '1 microsecond';

-- Entities that may sit in a committee of the task: an online node that verifies this kind, stake of the required age, free
-- reserve for one seat; never the requester, a bidder of the task, or anybody with the same owner. One row per entity, with
-- its least busy node.
CREATE OR REPLACE FUNCTION w_eligible(p_task uuid, p_at timestamptz)
RETURNS TABLE (entity_id uuid, node_id uuid, units bigint, free_gwei bigint) LANGUAGE sql STABLE AS $$
    WITH t AS (
        SELECT t.kind, t.seat_fee_gwei * p.seat_lock_fees AS lock_gwei, p.heartbeat_ms, p.reserve_age_ms, t.entity_id
        FROM tasks t JOIN policies p ON p.id = t.policy_id WHERE t.id = p_task
    ), barred AS (
        SELECT coalesce(e.owner_id, e.id) AS owner FROM entities e
        WHERE e.id IN (SELECT t.entity_id FROM t UNION SELECT b.entity_id FROM bids b WHERE b.task_id = p_task)
    ), candidates AS (
        SELECT DISTINCT ON (n.entity_id) n.entity_id, n.id AS node_id
        FROM t JOIN nodes n ON t.kind = ANY (n.kinds)
        JOIN entities e ON e.id = n.entity_id
        WHERE n.verifies AND n.retired_at IS NULL AND NOT n.draining AND e.suspended_at IS NULL
          AND n.last_seen_at > p_at - 3 * t.heartbeat_ms * interval '1 ms'
          AND coalesce(e.owner_id, e.id) NOT IN (SELECT owner FROM barred)
        ORDER BY n.entity_id,
                 (SELECT count(*) FROM seats s WHERE s.node_id = n.id AND s.state IN ('seated', 'committed')), n.id
    ), staked AS (
        SELECT c.entity_id, c.node_id, stake_minimum(c.entity_id, p_at, t.reserve_age_ms) AS units,
               ledger_balance(c.entity_id, 'reserve') AS free_gwei, t.lock_gwei
        FROM candidates c CROSS JOIN t
    )
    SELECT s.entity_id, s.node_id, s.units, s.free_gwei FROM staked s
    WHERE s.units > 0 AND s.free_gwei >= s.lock_gwei ORDER BY s.entity_id
$$;

-- The parts of a task are plpgsql because it keeps their plans; a function in SQL would be planned at every call.
CREATE OR REPLACE FUNCTION w_load_bids(p_task uuid, p_round int) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', b.id, 'entity', b.entity_id, 'owner', coalesce(e.owner_id, e.id), 'node', b.node_id,
        'commitment', encode(b.commitment, 'hex'), 'opened', b.opened_at IS NOT NULL, 'price', b.price_gwei,
        'salt', encode(b.salt, 'hex'), 'reserve', b.reserve_gwei, 'free', ledger_balance(b.entity_id, 'reserve'),
        'lock_bid', l.id, 'lock', CASE WHEN l.lock_state = 'held' THEN l.lock_gwei ELSE 0 END,
        'suspended', e.suspended_at IS NOT NULL,
        'retired', n.retired_at IS NOT NULL OR n.draining, 'verdict', b.verdict, 'rank', b.rank,
        'used', EXISTS (SELECT 1 FROM jobs j WHERE j.task_id = p_task AND j.entity_id = b.entity_id AND j.round = p_round))
        ORDER BY b.id), '[]')
    FROM (SELECT DISTINCT ON (entity_id) * FROM bids WHERE task_id = p_task AND round = p_round
          ORDER BY entity_id, revision DESC) b
    JOIN entities e ON e.id = b.entity_id
    JOIN nodes n ON n.id = b.node_id
    LEFT JOIN bids l ON l.task_id = p_task AND l.entity_id = b.entity_id AND l.round = p_round AND l.revision = 1
); END $$;

CREATE OR REPLACE FUNCTION w_load_jobs(p_task uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', j.id, 'slot', j.slot, 'fence', j.fence, 'round', j.round, 'bid', j.bid_id, 'entity', j.entity_id,
        'node', j.node_id, 'node_key', encode(n.node_key, 'hex'), 'price', j.price_gwei, 'state', j.state,
        'awarded_us', w_us(j.awarded_at), 'lease_us', w_us(j.lease_until),
        'seen_us', w_us(greatest(j.awarded_at, j.heartbeat_at, n.last_seen_at)),
        'commitment', encode(j.commitment, 'hex'), 'committed_us', w_us(j.committed_at),
        'revealed_us', w_us(j.revealed_at), 'check', j.check_verdict,
        'bond_id', b.id, 'bond', CASE WHEN b.closed_at IS NULL THEN b.amount_gwei ELSE 0 END)
        ORDER BY j.slot, j.fence), '[]')
    FROM jobs j JOIN nodes n ON n.id = j.node_id
    LEFT JOIN bonds b ON b.purpose = 'award' AND b.subject_id = j.id
    WHERE j.task_id = p_task
); END $$;

CREATE OR REPLACE FUNCTION w_load_seats(p_rung uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', s.id, 'entity', s.entity_id, 'node', s.node_id, 'weight', s.weight, 'replaces', s.replaces_id,
        'state', s.state, 'vote', s.vote, 'commit_us', w_us(s.commit_until), 'fee', s.fee_gwei,
        'bond_id', b.id, 'bond', CASE WHEN b.closed_at IS NULL THEN b.amount_gwei ELSE 0 END) ORDER BY s.id), '[]')
    FROM seats s LEFT JOIN bonds b ON b.purpose = 'seat' AND b.subject_id = s.id
    WHERE s.rung_id = p_rung
); END $$;

CREATE OR REPLACE FUNCTION w_load_rungs(p_task uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'id', r.id, 'job', r.job_id, 'rung', r.rung, 'seat_count', r.seat_count, 'quorum', r.quorum, 'final', r.final,
        'seed', encode(r.seed, 'hex'), 'commit_us', w_us(r.commit_until), 'reveal_us', w_us(r.reveal_until),
        'from_us', w_us(r.reveal_from), 'advanced', r.advanced_gwei, 'outcome', r.outcome, 'seats', w_load_seats(r.id))
        ORDER BY r.job_id, r.rung), '[]')
    FROM rungs r WHERE r.task_id = p_task
); END $$;

-- Apart from w_load, for setting this query up costs more than all the rest, and only draws and awards need it.
CREATE OR REPLACE FUNCTION w_load_eligible(p_task uuid, p_at timestamptz) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('entity', x.entity_id, 'node', x.node_id, 'units', x.units, 'free', x.free_gwei)
                              ORDER BY x.entity_id), '[]')
    FROM w_eligible(p_task, p_at) x
); END $$;

CREATE OR REPLACE FUNCTION w_load_treasury() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('ref', a.ref, 'balance', a.balance_gwei) ORDER BY a.ref), '[]')
    FROM ledger_accounts a WHERE a.owner = nil_uuid() AND a.kind = 'treasury' AND a.balance_gwei > 0
); END $$;

CREATE OR REPLACE FUNCTION w_load_challenge(p_task uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (
    SELECT jsonb_build_object('id', c.id, 'job', c.job_id, 'entity', c.entity_id, 'bond_id', b.id,
                              'bond', CASE WHEN b.closed_at IS NULL THEN b.amount_gwei ELSE 0 END)
    FROM challenges c LEFT JOIN bonds b ON b.purpose = 'challenge' AND b.subject_id = c.id
    WHERE c.task_id = p_task AND c.closed_at IS NULL LIMIT 1
); END $$;

-- Everything about one task that a decision may depend on.
CREATE OR REPLACE FUNCTION w_load(p_task uuid) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    RETURN (SELECT jsonb_build_object('now_us', w_us(v_now),
        'id', t.id, 'requester', t.entity_id, 'owner', coalesce(e.owner_id, e.id), 'kind', t.kind, 'state', t.state,
        'version', t.version, 'round', t.round, 'rounds_max', t.rounds_max, 'max_price', t.max_price_gwei,
        'replicas', t.replicas, 'seat_fee', t.seat_fee_gwei, 'rank_weight_ppm', t.rank_weight_ppm,
        'operator', t.sealing = 'operator', 'bidding_ms', t.bidding_ms, 'opening_ms', t.opening_ms,
        'lease_ms', t.lease_ms, 'promise', t.escrow_gwei, 'held', ledger_balance(t.entity_id, 'escrow', t.id),
        'created_us', w_us(t.created_at), 'closes_us', w_us(t.closes_at), 'opens_us', w_us(t.opens_until),
        'deadline_us', w_us(t.deadline_at), 'settle_us', w_us(t.settle_by), 'accepted_us', w_us(t.accepted_at),
        'input', CASE WHEN EXISTS (SELECT 1 FROM jobs j WHERE j.task_id = t.id AND j.state = 'declined')
                      THEN t.input::jsonb END,
        'cancel', t.cancel_requested_at IS NOT NULL, 'unwitnessed', t.unwitnessed,
        'allow', to_jsonb(t.allow), 'deny', to_jsonb(t.deny), 'policy', to_jsonb(p),
        'bids', w_load_bids(t.id, t.round),
        'jobs', CASE WHEN t.round = 1 AND t.state IN ('open', 'opening') THEN '[]' ELSE w_load_jobs(t.id) END,
        'rungs', CASE WHEN t.state IN ('open', 'opening', 'assigned') AND t.round = 1
                       AND NOT EXISTS (SELECT 1 FROM rungs r WHERE r.task_id = t.id) THEN '[]' ELSE w_load_rungs(t.id) END,
        'eligible', CASE WHEN t.state IN ('submitted', 'verifying') OR t.state IN ('open', 'opening') AND t.cancel_requested_at IS NULL
                         THEN w_load_eligible(t.id, v_now) ELSE '[]' END,
        'treasury', CASE WHEN t.state IN ('submitted', 'verifying') THEN w_load_treasury() ELSE '[]' END,
        'challenge', CASE WHEN t.state = 'verifying' THEN w_load_challenge(t.id) END)
        FROM tasks t JOIN policies p ON p.id = t.policy_id JOIN entities e ON e.id = t.entity_id
        WHERE t.id = p_task);
END $$;
