-- SPDX-License-Identifier: Apache-2.0
-- Bids: sealed commitments with a lock, then openings. Both only while the closer cannot have the task.

-- Locks the reserve and bond accounts of entities in id order, and creates what is missing of them.
CREATE OR REPLACE FUNCTION stake_accounts_lock(p_entities uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_entities uuid[] := array(SELECT DISTINCT x FROM unnest(p_entities) x WHERE EXISTS (SELECT 1 FROM entities e WHERE e.id = x));
    v_rows int;
BEGIN
    SELECT count(*) INTO v_rows FROM ledger_accounts a
        WHERE a.owner = ANY (v_entities) AND a.kind IN ('reserve', 'bond') AND a.ref = nil_uuid();
    IF v_rows < 2 * cardinality(v_entities) THEN
        PERFORM ledger_lock(array_agg(e), array_agg(k.kind), array_agg(nil_uuid()))
            FROM unnest(v_entities) e, unnest(ARRAY['reserve', 'bond']) AS k(kind);
    ELSE
        PERFORM 1 FROM ledger_accounts a
            WHERE a.owner = ANY (v_entities) AND a.kind IN ('reserve', 'bond') AND a.ref = nil_uuid()
            ORDER BY a.id FOR NO KEY UPDATE;
    END IF;
END $$;

-- Every bid with what it is judged by, except what depends on the other bids of the batch.
CREATE OR REPLACE FUNCTION bids_judged(p_at timestamptz, p_locked uuid[], p_entity uuid[], p_key uuid[], p_idem text[],
    p_hash bytea[], p_task uuid[], p_node uuid[], p_price bigint[], p_node_key bytea[])
RETURNS TABLE (ord int, entity uuid, status text, made_id uuid, made_at timestamptz, made_detail text, task uuid, round int,
               revision int, lock_gwei bigint, staked_gwei bigint, reserve_id uuid, bond_id uuid, free_gwei bigint)
LANGUAGE sql STABLE AS $$
    SELECT j.ord, j.entity, coalesce(j.verdict, CASE
               WHEN t.id IS NULL THEN 'not_found'
               WHEN t.id <> ALL (p_locked) THEN 'busy'
               WHEN j.suspended THEN 'suspended'
               WHEN n.id IS NULL OR n.entity_id <> j.entity THEN 'not_found'
               WHEN n.node_key <> p_node_key[j.ord] THEN 'signature_invalid'
               WHEN n.retired_at IS NOT NULL THEN 'node_retired'
               WHEN t.state <> 'open' OR p_at >= t.closes_at THEN 'window_closed'
               WHEN coalesce(q.owner_id, q.id) = j.beneficiary THEN 'own_task'
               WHEN j.entity = ANY (t.deny) OR j.beneficiary = ANY (t.deny) OR NOT coalesce(j.entity = ANY (t.allow), true)
                   THEN 'not_allowed'
               WHEN NOT n.provides OR t.kind <> ALL (n.kinds) OR t.class NOT IN ('any', n.class) THEN 'node_incapable'
               WHEN coalesce(g.pledged_gwei, 0) < p.min_pledge_gwei THEN 'node_unpledged'
               WHEN (t.sealing = 'operator') <> (p_price[j.ord] IS NOT NULL) THEN 'bad_field'
               WHEN p_price[j.ord] < 1 THEN 'amount_range'
               WHEN p_price[j.ord] > t.max_price_gwei THEN 'price_too_high'
               WHEN h.revision >= 100 THEN 'limit_reached' END),
           j.made_id, j.made_at, j.made_detail, t.id, t.round, coalesce(h.revision, 0),
           CASE WHEN h.revision IS NULL
                THEN div(t.max_price_gwei::numeric * p.bid_lock_ppm + 999999, 1000000)::bigint ELSE 0 END,
           least(coalesce(s0.total_gwei, 0), s1.total_gwei)::bigint, ar.id, ab.id, ar.balance_gwei
    FROM calls_judged('bid_create', p_entity, p_key, p_idem, p_hash) j
    LEFT JOIN ledger_accounts ar ON ar.owner = j.entity AND ar.kind = 'reserve' AND ar.ref = nil_uuid()
    LEFT JOIN ledger_accounts ab ON ab.owner = j.entity AND ab.kind = 'bond' AND ab.ref = nil_uuid()
    LEFT JOIN tasks t ON t.id = p_task[j.ord]
    LEFT JOIN policies p ON p.id = t.policy_id
    LEFT JOIN entities q ON q.id = t.entity_id
    LEFT JOIN nodes n ON n.id = p_node[j.ord]
    LEFT JOIN pledges g ON g.node_id = n.id
    LEFT JOIN LATERAL (SELECT x.revision FROM bids x WHERE x.task_id = t.id AND x.entity_id = j.entity AND x.round = t.round
                       ORDER BY x.revision DESC LIMIT 1) h ON true
    -- the smallest stake over the policy's window: what it was when the window began, and every change since
    LEFT JOIN LATERAL (SELECT x.total_gwei FROM stake_history x WHERE x.entity_id = j.entity
                       AND x.at <= p_at - p.reserve_age_ms * interval '1 ms' ORDER BY x.at DESC LIMIT 1) s0 ON true
    LEFT JOIN LATERAL (SELECT min(x.total_gwei) AS total_gwei FROM stake_history x WHERE x.entity_id = j.entity
                       AND x.at > p_at - p.reserve_age_ms * interval '1 ms' AND p.reserve_age_ms > 0) s1 ON true
$$;

-- The hottest write, set-based throughout. The last revision of (task, round, entity) counts; the first one takes the lock.
-- One transfer for each entity of a batch: its id is that of the entity's first locking bid.
-- Within a batch the bids of an entity stand in one order; the first whose lock no longer fits is refused, and those behind it
-- are 'busy': run again, they are judged by the balance that is left.
CREATE OR REPLACE FUNCTION bid_create(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_task uuid[],
    p_node uuid[], p_commitment bytea[], p_signature bytea[], p_price bigint[], p_salt bytea[], p_node_key bytea[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[];
    v_ords int[];               -- the admitted, and what they got
    v_rounds int[];
    v_revisions int[];
    v_staked bigint[];
    v_locks bigint[];
    v_transfers uuid[];
    v_ids uuid[];               -- the transfers, with two entries each
    v_accounts uuid[];
    v_amounts bigint[];
    n int;
BEGIN
    v_locked := tasks_lock(p_task, true);
    PERFORM stake_accounts_lock(p_entity);
    v_at := clock_timestamp();
    WITH judged AS (
        SELECT * FROM bids_judged(v_at, v_locked, p_entity, p_key, p_idem, p_hash, p_task, p_node, p_price, p_node_key)
    ), numbered AS (
        SELECT j.*, row_number() OVER (PARTITION BY j.entity, j.task, j.status ORDER BY j.ord) AS nth FROM judged j
    ), priced AS (
        SELECT m.*, m.revision + m.nth::int AS got, CASE WHEN m.status IS NULL AND m.nth = 1 THEN m.lock_gwei ELSE 0 END AS locks,
               sum(CASE WHEN m.status IS NULL AND m.nth = 1 THEN m.lock_gwei ELSE 0 END)
                   OVER (PARTITION BY m.entity ORDER BY m.task, m.ord) AS locked
        FROM numbered m
    ), final AS (
        SELECT p.*, first_value(p_id[p.ord]) OVER (PARTITION BY p.entity ORDER BY p.locks = 0, p.task, p.ord) AS transfer,
               coalesce(p.status, CASE WHEN p.locked <= p.free_gwei THEN 'fresh' WHEN p.locked - p.locks <= p.free_gwei
                   AND p.locks > 0 THEN 'insufficient_reserve' ELSE 'busy' END) AS verdict
        FROM priced p
    ), posted AS (
        SELECT f.transfer, f.reserve_id, f.bond_id, sum(f.locks)::bigint AS amount FROM final f
        WHERE f.verdict = 'fresh' AND f.locks > 0 GROUP BY f.transfer, f.reserve_id, f.bond_id
    )
    SELECT array_agg(CASE WHEN f.verdict = 'fresh' THEN (f.ord, 'ok', p_id[f.ord], v_at, '{"round":' || f.round || ',"revision":'
                   || f.got || ',"reserve_gwei":' || f.staked_gwei || ',"lock_gwei":' || f.locks || '}', false, NULL)::outcome
               WHEN f.verdict = 'ok' THEN (f.ord, 'ok', f.made_id, f.made_at, f.made_detail, true, NULL)::outcome
               ELSE (f.ord, f.verdict, NULL, NULL, NULL, false, NULL)::outcome END),
           array_agg(f.ord) FILTER (WHERE f.verdict = 'fresh'), array_agg(f.round) FILTER (WHERE f.verdict = 'fresh'),
           array_agg(f.got) FILTER (WHERE f.verdict = 'fresh'), array_agg(f.staked_gwei) FILTER (WHERE f.verdict = 'fresh'),
           array_agg(f.locks) FILTER (WHERE f.verdict = 'fresh'),
           array_agg(CASE WHEN f.locks > 0 THEN f.transfer END) FILTER (WHERE f.verdict = 'fresh'),
           (SELECT array_agg(x.transfer) FROM posted x),
           (SELECT array_agg(y.account) FROM posted x, LATERAL (VALUES (x.reserve_id), (x.bond_id)) AS y(account)),
           (SELECT array_agg(y.amount) FROM posted x, LATERAL (VALUES (-x.amount), (x.amount)) AS y(amount))
        INTO v_done, v_ords, v_rounds, v_revisions, v_staked, v_locks, v_transfers, v_ids, v_accounts, v_amounts
        FROM final f;
    n := cardinality(v_ids);
    IF n > 0 THEN
        PERFORM ledger_post_ids(v_at, v_ids, array(SELECT 'bid:' || x FROM unnest(v_ids) x), array_fill('bid_lock'::text, ARRAY[n]),
            array_fill(NULL::uuid, ARRAY[n]), array(SELECT (i + 1) / 2 FROM generate_series(1, 2 * n) i), v_accounts, v_amounts);
    END IF;
    INSERT INTO bids (id, task_id, entity_id, node_id, round, revision, commitment, signature, at, reserve_gwei, lock_gwei,
            lock_state, lock_transfer_id, price_gwei, salt, opened_at)
        SELECT p_id[w.ord], p_task[w.ord], p_entity[w.ord], p_node[w.ord], w.round, w.revision, p_commitment[w.ord],
            p_signature[w.ord], v_at, w.staked, w.lock, CASE WHEN w.lock > 0 THEN 'held' ELSE 'none' END, w.transfer,
            p_price[w.ord], p_salt[w.ord], CASE WHEN p_price[w.ord] IS NOT NULL THEN v_at END
        FROM unnest(v_ords, v_rounds, v_revisions, v_staked, v_locks, v_transfers)
             AS w(ord, round, revision, staked, lock, transfer);
    PERFORM calls_keep('bid_create', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- Opens the last revision in the opening window. Price and eligibility are judged at the award, not here. When every counting
-- bid of the round is open, the award need not wait for the end of the window.
CREATE OR REPLACE FUNCTION bid_open(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_bid uuid[], p_price bigint[],
                                    p_salt bytea[], p_commitment bytea[], p_task uuid[], p_node uuid[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[];
    v_tasks uuid[];         -- whose last counting bid is open now
BEGIN
    v_locked := tasks_lock(array(SELECT b.task_id FROM bids b WHERE b.id = ANY (p_bid)), false);
    PERFORM 1 FROM bids WHERE id = ANY (p_bid) ORDER BY id FOR NO KEY UPDATE;
    v_at := clock_timestamp();
    SELECT array_agg(CASE
            WHEN x.verdict IS NOT NULL THEN outcome_known(x.ord, x.verdict, x.made_id, x.made_at, x.made_detail)
            WHEN x.refusal IS NOT NULL THEN (x.ord, x.refusal, NULL, NULL, NULL, false, NULL)::outcome
            ELSE (x.ord, 'ok', x.bid, coalesce(x.opened_at, v_at), NULL, false, NULL)::outcome END ORDER BY x.ord)
        INTO v_done
        FROM (SELECT j.*, b.id AS bid, b.opened_at, CASE
                  WHEN b.id IS NULL THEN 'not_found'
                  WHEN b.task_id <> ALL (v_locked) THEN 'busy'
                  WHEN p_price[j.ord] NOT BETWEEN 1 AND 1000000000000000000 THEN 'amount_range'
                  WHEN p_commitment[j.ord] <> b.commitment OR p_task[j.ord] <> b.task_id OR p_node[j.ord] <> b.node_id THEN 'commitment_mismatch'
                  WHEN b.opened_at IS NOT NULL THEN NULL
                  WHEN b.round <> t.round OR t.state NOT IN ('open', 'opening') OR v_at >= t.opens_until THEN 'window_closed'
                  WHEN v_at < t.closes_at THEN 'window_not_open'
                  WHEN EXISTS (SELECT 1 FROM bids y WHERE y.task_id = b.task_id AND y.entity_id = b.entity_id
                               AND y.round = b.round AND y.revision > b.revision) THEN 'conflict' END AS refusal
              FROM calls_judged('bid_open', p_entity, p_key, p_idem, p_hash) j
              LEFT JOIN bids b ON b.id = p_bid[j.ord] AND b.entity_id = j.entity
              LEFT JOIN tasks t ON t.id = b.task_id) x;
    UPDATE bids b SET price_gwei = o.price, salt = o.salt, opened_at = v_at
        FROM (SELECT DISTINCT ON (d.id) d.id, p_price[d.ord] AS price, p_salt[d.ord] AS salt FROM unnest(v_done) d
              WHERE d.status = 'ok' AND NOT d.replayed ORDER BY d.id, d.ord) o
        WHERE b.id = o.id AND b.opened_at IS NULL;
    v_tasks := array(SELECT DISTINCT b.task_id FROM unnest(v_done) d JOIN bids b ON b.id = d.id
        WHERE d.status = 'ok' AND NOT d.replayed AND d.at = v_at AND NOT EXISTS (
            SELECT 1 FROM bids y WHERE y.task_id = b.task_id AND y.round = b.round AND y.opened_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM bids z WHERE z.task_id = y.task_id AND z.entity_id = y.entity_id AND z.round = y.round
                AND z.revision > y.revision)) ORDER BY 1);
    PERFORM work_ask('auction', t, v_at) FROM unnest(v_tasks) t;
    PERFORM calls_keep('bid_open', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT d.ord, d.status, d.id, d.at, d.detail, d.replayed,
            CASE WHEN b.task_id = ANY (v_tasks) THEN 'work' END
        FROM unnest(v_done) d LEFT JOIN bids b ON b.id = d.id;
END $$;
