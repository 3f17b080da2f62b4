-- SPDX-License-Identifier: Apache-2.0
-- Bids: sealed commitments with a lock, then openings. Both only while the closer cannot have the task.

-- Beneficial owners decide conflicts of interest.
CREATE OR REPLACE FUNCTION owner_of(e entities) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN coalesce(e.owner_id, e.id);

-- The hottest write. The last revision of (task, round, entity) counts; the first one takes the lock.
CREATE OR REPLACE FUNCTION bid_create(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_task uuid[],
    p_node uuid[], p_commitment bytea[], p_signature bytea[], p_price bigint[], p_salt bytea[], p_node_key bytea[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    k_revisions CONSTANT int := 100;    -- of one bidder and round
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_entity uuid;
    v_task uuid;
    v_free bigint;                      -- reserve of v_entity, running
    v_revision int;                     -- of (v_entity, v_task), running
    v_lock bigint;
    v_lock_at int;                      -- index into v_lock_*, one transfer for each entity
    v_lock_entity uuid[] := '{}';
    v_lock_first uuid[] := '{}';
    v_lock_sum bigint[] := '{}';
    v_ords int[] := '{}';               -- the admitted, and what they got
    v_rounds int[] := '{}';
    v_revisions int[] := '{}';
    v_reserves bigint[] := '{}';
    v_locks bigint[] := '{}';
    v_transfer_at int[] := '{}';
    v_transfers uuid[];
    v_entries ledger_entry[];
    c record;
BEGIN
    v_locked := tasks_lock(p_task, true);
    PERFORM ledger_lock(array_agg(e.id), array_agg(k.kind), array_agg(nil_uuid()))
        FROM entities e, unnest(ARRAY['reserve', 'bond']) AS k(kind) WHERE e.id = ANY (p_entity);
    v_at := clock_timestamp();
    FOR c IN
        WITH b AS MATERIALIZED (
            SELECT a.entity, a.task, a.ord FROM unnest(p_entity, p_task) WITH ORDINALITY AS a(entity, task, ord)
        ), t AS MATERIALIZED (
            SELECT t.id, t.state, t.closes_at, t.round, t.sealing, t.max_price_gwei, t.kind, t.class, t.allow, t.deny,
                   owner_of(q) AS requester, p.reserve_age_ms, p.min_pledge_gwei,
                   div(t.max_price_gwei::numeric * p.bid_lock_ppm + 999999, 1000000)::bigint AS lock_gwei
            FROM (SELECT DISTINCT b.task FROM b) d JOIN tasks t ON t.id = d.task
            JOIN policies p ON p.id = t.policy_id JOIN entities q ON q.id = t.entity_id
        ), s AS MATERIALIZED (
            SELECT d.entity, owner_of(e) AS bidder, coalesce(r.balance_gwei, 0) AS free_gwei
            FROM (SELECT DISTINCT b.entity FROM b) d JOIN entities e ON e.id = d.entity
            LEFT JOIN ledger_accounts r ON r.id = ledger_id(d.entity, 'reserve', nil_uuid())
        )
        SELECT j.ord, j.entity, j.verdict, j.made_id, j.made_at, j.made_detail, j.suspended, t.id AS task, t.round, t.sealing,
               t.max_price_gwei, t.lock_gwei, t.closes_at, s.free_gwei, h.revision,
               stake_minimum(j.entity, v_at, t.reserve_age_ms) AS staked_gwei,
               CASE WHEN t.id IS NULL THEN 'not_found'
                    WHEN t.id <> ALL (v_locked) THEN 'busy'
                    WHEN j.suspended THEN 'suspended'
                    WHEN n.id IS NULL OR n.entity_id <> j.entity THEN 'not_found'
                    WHEN n.node_key <> p_node_key[j.ord] THEN 'signature_invalid'
                    WHEN n.retired_at IS NOT NULL THEN 'node_retired'
                    WHEN t.state <> 'open' OR v_at >= t.closes_at THEN 'window_closed'
                    WHEN t.requester = s.bidder THEN 'own_task'
                    WHEN j.entity = ANY (t.deny) OR s.bidder = ANY (t.deny) OR NOT coalesce(j.entity = ANY (t.allow), true)
                        THEN 'not_allowed'
                    WHEN NOT n.provides OR t.kind <> ALL (n.kinds) OR t.class NOT IN ('any', n.class) THEN 'node_incapable'
                    WHEN coalesce(g.pledged_gwei, 0) < t.min_pledge_gwei THEN 'node_unpledged' END AS refusal
        FROM calls_judged('bid_create', p_entity, p_key, p_idem, p_hash) j
        JOIN b ON b.ord = j.ord
        LEFT JOIN t ON t.id = b.task
        LEFT JOIN s ON s.entity = j.entity
        LEFT JOIN nodes n ON n.id = p_node[j.ord]
        LEFT JOIN pledges g ON g.node_id = n.id
        LEFT JOIN LATERAL (SELECT x.revision FROM bids x WHERE x.task_id = t.id AND x.entity_id = j.entity AND x.round = t.round
                           ORDER BY x.revision DESC LIMIT 1) h ON true
        ORDER BY j.entity, t.id, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        IF v_entity IS DISTINCT FROM c.entity THEN
            v_entity := c.entity;
            v_free := c.free_gwei;
            v_task := NULL;
            v_lock_at := NULL;
        END IF;
        IF v_task IS DISTINCT FROM c.task THEN
            v_task := c.task;
            v_revision := coalesce(c.revision, 0);
        END IF;
        v_lock := CASE WHEN v_revision = 0 THEN c.lock_gwei ELSE 0 END;
        v_status := CASE
            WHEN c.refusal IS NOT NULL THEN c.refusal
            WHEN (c.sealing = 'operator') <> (p_price[c.ord] IS NOT NULL) THEN 'bad_field'
            WHEN p_price[c.ord] < 1 THEN 'amount_range'
            WHEN p_price[c.ord] > c.max_price_gwei THEN 'price_too_high'
            WHEN v_revision >= k_revisions THEN 'limit_reached'
            WHEN v_lock > v_free THEN 'insufficient_reserve' END;
        IF v_status IS NOT NULL THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        v_revision := v_revision + 1;
        v_free := v_free - v_lock;
        IF v_lock > 0 AND v_lock_at IS NULL THEN
            v_lock_entity := v_lock_entity || c.entity;
            v_lock_first := v_lock_first || p_id[c.ord];
            v_lock_sum := v_lock_sum || v_lock;
            v_lock_at := cardinality(v_lock_sum);
        ELSIF v_lock > 0 THEN
            v_lock_sum[v_lock_at] := v_lock_sum[v_lock_at] + v_lock;
        END IF;
        v_ords := v_ords || c.ord;
        v_rounds := v_rounds || c.round;
        v_revisions := v_revisions || v_revision;
        v_reserves := v_reserves || c.staked_gwei;
        v_locks := v_locks || v_lock;
        v_transfer_at := v_transfer_at || CASE WHEN v_lock > 0 THEN v_lock_at END;
        v_done := v_done || (c.ord, 'ok', p_id[c.ord], v_at, '{"round":' || c.round || ',"revision":' || v_revision
            || ',"reserve_gwei":' || c.staked_gwei || ',"lock_gwei":' || v_lock || '}', false, NULL)::outcome;
    END LOOP;
    IF cardinality(v_lock_sum) > 0 THEN
        SELECT array_agg((l.n, l.entity, k.kind, nil_uuid(), k.sign * l.amount)::ledger_entry ORDER BY l.n, k.sign) INTO v_entries
            FROM unnest(v_lock_entity, v_lock_sum) WITH ORDINALITY AS l(entity, amount, n),
                 (VALUES ('reserve', -1), ('bond', 1)) AS k(kind, sign);
        v_transfers := ledger_post(v_at, array(SELECT 'bid:' || f FROM unnest(v_lock_first) WITH ORDINALITY AS x(f, n) ORDER BY n),
            array_fill('bid_lock'::text, ARRAY[cardinality(v_lock_sum)]), array_fill(NULL::uuid, ARRAY[cardinality(v_lock_sum)]),
            v_entries);
    END IF;
    INSERT INTO bids (id, task_id, entity_id, node_id, round, revision, commitment, signature, at, reserve_gwei, lock_gwei,
            lock_state, lock_transfer_id, price_gwei, salt, opened_at)
        SELECT p_id[w.ord], p_task[w.ord], p_entity[w.ord], p_node[w.ord], w.round, w.revision, p_commitment[w.ord],
            p_signature[w.ord], v_at, w.reserve, w.lock, CASE WHEN w.lock > 0 THEN 'held' ELSE 'none' END, v_transfers[w.transfer],
            p_price[w.ord], p_salt[w.ord], CASE WHEN p_price[w.ord] IS NOT NULL THEN v_at END
        FROM unnest(v_ords, v_rounds, v_revisions, v_reserves, v_locks, v_transfer_at)
             AS w(ord, round, revision, reserve, lock, transfer);
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
