-- SPDX-License-Identifier: Apache-2.0
-- Tasks: opened with their whole escrow, cancelled by intent.

-- What is wrong with the terms of a task, judged against its policy: NULL when nothing, else the outcome's status and detail.
DO $$ BEGIN
    CREATE TYPE task_terms AS (
        max_price bigint, replicas bigint, work_units bigint, seat_fee bigint, rank_weight bigint, sealing text, bidding_ms bigint,
        opening_ms bigint, lease_ms bigint, deadline_ms bigint, rounds_max bigint, seats int, class text, kind text, label text,
        allow text, deny text);
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

CREATE OR REPLACE FUNCTION task_terms_wrong(t task_terms, p policies) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN t.kind !~ '^[a-z0-9_.]{1,40}$' THEN bad_field('/kind', 'is not a kind')
        WHEN t.class !~ '^[a-z0-9-]{1,32}$' THEN bad_field('/class', 'is not a hardware class')
        WHEN length(t.label) > 80 THEN bad_field('/label', 'has more than 80 characters')
        WHEN t.work_units < 1 THEN bad_field('/work_units', 'must be at least 1')
        WHEN t.replicas NOT BETWEEN 1 AND p.max_winners THEN bad_field('/replicas', 'must be 1 to ' || p.max_winners)
        WHEN t.rank_weight NOT BETWEEN 0 AND p.rank_weight_max_ppm
            THEN bad_field('/rank_weight_ppm', 'must be 0 to ' || p.rank_weight_max_ppm)
        WHEN t.sealing NOT IN ('sealed', 'operator') OR (t.sealing = 'operator' AND p.sealing <> 'operator')
            THEN bad_field('/sealing', 'is not offered by the policy')
        WHEN t.bidding_ms NOT BETWEEN p.bidding_min_ms AND 86400000
            THEN bad_field('/bidding_ms', 'must be ' || p.bidding_min_ms || ' to 86400000')
        WHEN t.lease_ms NOT BETWEEN 100 AND 86400000 THEN bad_field('/lease_ms', 'must be 100 to 86400000')
        WHEN t.deadline_ms > 2592000000 THEN bad_field('/deadline_seconds', 'must be at most 30 days')
        WHEN t.deadline_ms < t.bidding_ms + t.opening_ms + t.lease_ms
            THEN bad_field('/deadline_seconds', 'leaves no time for bidding, opening and one lease')
        WHEN t.rounds_max NOT BETWEEN 1 AND 5 THEN bad_field('/rounds_max', 'must be 1 to 5')
        WHEN p.verifier_share_ppm > 0 AND t.seat_fee <> 0 THEN bad_field('/seat_fee_gwei', 'must be 0: the policy pays a share')
        WHEN p.verifier_share_ppm = 0 AND p.committee AND t.seat_fee < 1 THEN bad_field('/seat_fee_gwei', 'must be at least 1')
        WHEN NOT uuid_list_ok(t.allow) THEN bad_field('/allow', 'must be at most 256 accounts')
        WHEN NOT uuid_list_ok(t.deny) THEN bad_field('/deny', 'must be at most 256 accounts')
    END
$$;

CREATE OR REPLACE FUNCTION task_create(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_kind text[],
    p_kind_version bigint[], p_label text[], p_policy text[], p_input text[], p_input_hash bytea[], p_input_blob uuid[],
    p_class text[], p_work_units bigint[], p_unit text[], p_max_price bigint[], p_replicas bigint[], p_seat_fee bigint[],
    p_rank_weight bigint[], p_sealing text[], p_bidding_ms bigint[], p_lease_ms bigint[], p_deadline_ms bigint[],
    p_rounds_max bigint[], p_allow text[], p_deny text[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    k_amount CONSTANT bigint := 1000000000000000000;
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_entries ledger_entry[] := '{}';
    v_keys text[] := '{}';
    v_kinds text[] := '{}';
    v_tasks tasks[] := '{}';
    v_ids uuid[] := '{}';
    v_entity uuid;
    v_available bigint;
    v_status text;
    v_detail text;
    v_terms task_terms;
    v_escrow numeric;
    t tasks;
    c record;
BEGIN
    PERFORM ledger_lock(array_agg(e.id), array_agg('available'::text), array_agg(nil_uuid()))
        FROM entities e WHERE e.id = ANY (p_entity);
    v_at := utc_ms(clock_timestamp());
    FOR c IN
        SELECT j.*, p AS policy, b.id AS blob, b.state AS blob_state, a.balance_gwei
        FROM calls_judged('task_create', p_entity, p_key, p_idem, p_hash) j
        LEFT JOIN policies p ON p.id = (SELECT x.id FROM policies x WHERE x.name = p_policy[j.ord] ORDER BY x.version DESC LIMIT 1)
        LEFT JOIN blobs b ON b.id = p_input_blob[j.ord] AND b.entity_id = j.entity
        LEFT JOIN ledger_accounts a ON a.id = ledger_id(j.entity, 'available', nil_uuid())
        ORDER BY j.entity, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        IF v_entity IS DISTINCT FROM c.entity THEN
            v_entity := c.entity;
            v_available := coalesce(c.balance_gwei, 0);
        END IF;
        v_terms := NULL;
        v_detail := NULL;
        v_status := CASE WHEN c.suspended THEN 'suspended' WHEN (c.policy).id IS NULL THEN 'unknown_policy'
            WHEN p_max_price[c.ord] NOT BETWEEN 1 AND k_amount OR p_seat_fee[c.ord] NOT BETWEEN 0 AND k_amount
                THEN 'amount_range'
            WHEN p_input_blob[c.ord] IS NOT NULL AND c.blob_state IS DISTINCT FROM 'complete' THEN 'blob_incomplete' END;
        IF v_status IS NULL THEN
            v_terms := (p_max_price[c.ord], p_replicas[c.ord], p_work_units[c.ord],
                coalesce(p_seat_fee[c.ord], CASE
                    WHEN (c.policy).verifier_share_ppm > 0 OR NOT (c.policy).committee THEN 0
                    ELSE greatest(1, div(p_max_price[c.ord]::numeric * (c.policy).seat_fee_ppm, 1000000)) END)::bigint,
                coalesce(p_rank_weight[c.ord], (c.policy).rank_weight_ppm), coalesce(p_sealing[c.ord], (c.policy).sealing),
                coalesce(p_bidding_ms[c.ord], (c.policy).bidding_ms),
                CASE WHEN coalesce(p_sealing[c.ord], (c.policy).sealing) = 'operator' THEN 0 ELSE (c.policy).opening_ms END,
                coalesce(p_lease_ms[c.ord], (c.policy).lease_ms), p_deadline_ms[c.ord], p_rounds_max[c.ord],
                CASE WHEN (c.policy).committee THEN (c.policy).rung_seats[1] ELSE 0 END, p_class[c.ord], p_kind[c.ord],
                p_label[c.ord], p_allow[c.ord], p_deny[c.ord])::task_terms;
            v_detail := task_terms_wrong(v_terms, c.policy);
            v_escrow := v_terms.max_price::numeric * v_terms.replicas + 2::numeric * v_terms.seats * v_terms.seat_fee;
            v_status := CASE WHEN v_detail IS NOT NULL THEN 'bad_field' WHEN v_escrow > k_amount THEN 'amount_range'
                             WHEN v_escrow > v_available THEN 'insufficient_funds' ELSE 'ok' END;
        END IF;
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, v_detail, false, NULL)::outcome;
            CONTINUE;
        END IF;
        v_available := v_available - v_escrow::bigint;
        t.id := p_id[c.ord];
        t.entity_id := c.entity;
        t.policy_id := (c.policy).id;
        t.seat_fee_gwei := v_terms.seat_fee;
        t.rank_weight_ppm := v_terms.rank_weight;
        t.sealing := v_terms.sealing;
        t.bidding_ms := v_terms.bidding_ms;
        t.opening_ms := v_terms.opening_ms;
        t.lease_ms := v_terms.lease_ms;
        t.escrow_gwei := v_escrow;
        t.first_rung_seats := v_terms.seats;
        t.created_at := v_at;
        t.closes_at := v_at + t.bidding_ms * interval '1 ms';
        t.opens_until := t.closes_at + t.opening_ms * interval '1 ms';
        t.deadline_at := v_at + v_terms.deadline_ms * interval '1 ms';
        v_tasks := v_tasks || t;
        v_keys := v_keys || ('task:' || t.id || ':open');
        v_ids := v_ids || t.id;
        v_entries := v_entries || (cardinality(v_keys), c.entity, 'available', nil_uuid(), -t.escrow_gwei)::ledger_entry
                               || (cardinality(v_keys), c.entity, 'escrow', t.id, t.escrow_gwei)::ledger_entry;
        v_done := v_done || (c.ord, 'ok', t.id, v_at, json_build_object('policy_id', t.policy_id, 'policy', p_policy[c.ord],
            'escrow_gwei', t.escrow_gwei, 'seat_fee_gwei', t.seat_fee_gwei, 'rank_weight_ppm', t.rank_weight_ppm,
            'sealing', t.sealing, 'bidding_ms', t.bidding_ms, 'opening_ms', t.opening_ms, 'lease_ms', t.lease_ms,
            'rounds_max', p_rounds_max[c.ord], 'first_rung_seats', t.first_rung_seats, 'closes_at', utc_text(t.closes_at),
            'opens_until', utc_text(t.opens_until), 'deadline_at', utc_text(t.deadline_at),
            'settle_by', utc_text(t.deadline_at))::text, false, 'open work')::outcome;
    END LOOP;
    IF cardinality(v_keys) > 0 THEN
        v_kinds := array_fill('escrow'::text, ARRAY[cardinality(v_keys)]);
        PERFORM ledger_post(v_at, v_keys, v_kinds, v_ids, v_entries);
        INSERT INTO tasks (id, entity_id, kind, kind_version, label, policy_id, input, input_hash, input_blob_id, class, work_units,
                unit, max_price_gwei, replicas, seat_fee_gwei, rank_weight_ppm, sealing, bidding_ms, opening_ms, lease_ms, rounds_max,
                allow, deny, escrow_gwei, first_rung_seats, created_at, closes_at, opens_until, deadline_at, settle_by)
            SELECT n.id, n.entity_id, p_kind[d.ord], p_kind_version[d.ord], p_label[d.ord], n.policy_id, p_input[d.ord],
                p_input_hash[d.ord], p_input_blob[d.ord], p_class[d.ord], p_work_units[d.ord], p_unit[d.ord], p_max_price[d.ord],
                p_replicas[d.ord], n.seat_fee_gwei, n.rank_weight_ppm, n.sealing, n.bidding_ms, n.opening_ms, n.lease_ms,
                p_rounds_max[d.ord], uuid_list(p_allow[d.ord]), coalesce(uuid_list(p_deny[d.ord]), '{}'), n.escrow_gwei,
                n.first_rung_seats, n.created_at, n.closes_at, n.opens_until, n.deadline_at, n.deadline_at
            FROM unnest(v_tasks) n JOIN unnest(v_done) d ON d.id = n.id AND d.status = 'ok' AND NOT d.replayed;
        INSERT INTO events (id, task_id, seq, kind, to_state, at, payload)
            SELECT uuid_v7(v_at), n.id, 1, 'opened', 'open', v_at, jsonb_build_object('kind', p_kind[d.ord],
                'requester', typeid('acct', n.entity_id), 'policy', typeid('pol', n.policy_id),
                'input_hash', encode(p_input_hash[d.ord], 'hex'), 'max_price', p_max_price[d.ord]::text,
                'replicas', p_replicas[d.ord], 'seat_fee', n.seat_fee_gwei::text, 'escrow', n.escrow_gwei::text,
                'rank_weight_ppm', n.rank_weight_ppm, 'sealing', n.sealing, 'closes_at', utc_text(n.closes_at),
                'opens_until', utc_text(n.opens_until), 'deadline_at', utc_text(n.deadline_at))
            FROM unnest(v_tasks) n JOIN unnest(v_done) d ON d.id = n.id AND d.status = 'ok' AND NOT d.replayed;
        INSERT INTO work (id, job, subject_id, due_at, created_at)
            SELECT uuid_v7(v_at), 'auction', n.id, n.closes_at, v_at FROM unnest(v_tasks) n;
    END IF;
    PERFORM calls_keep('task_create', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- A cancel is intent under the task's lock; the settle worker finishes it. Free of choice only until the award.
CREATE OR REPLACE FUNCTION task_cancel(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_task uuid[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_locked uuid[];
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_last uuid;
    c record;
BEGIN
    v_locked := tasks_lock(p_task, false);
    v_at := utc_ms(clock_timestamp());
    FOR c IN
        SELECT j.*, t.id AS task, t.entity_id AS owner, t.state, t.cancel_requested_at
        FROM calls_judged('task_cancel', p_entity, p_key, p_idem, p_hash) j
        LEFT JOIN tasks t ON t.id = p_task[j.ord]
        ORDER BY t.id, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        v_status := CASE
            WHEN c.task IS NULL THEN 'not_found'
            WHEN c.owner <> c.entity THEN 'forbidden'
            WHEN c.task <> ALL (v_locked) THEN 'busy'
            WHEN c.state IN ('paid', 'refunded', 'cancelled', 'expired') THEN 'task_final'
            WHEN c.state NOT IN ('open', 'opening') THEN 'conflict'
            ELSE 'ok' END;
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        IF c.cancel_requested_at IS NULL AND v_last IS DISTINCT FROM c.task THEN
            UPDATE tasks SET cancel_requested_at = v_at WHERE id = c.task;
            PERFORM event_note(c.task, 'cancel_requested', v_at, '{}');
            PERFORM work_ask('settle', c.task, v_at);
            v_last := c.task;
        END IF;
        v_done := v_done || (c.ord, 'ok', c.task, coalesce(c.cancel_requested_at, v_at),
            json_build_object('state', c.state)::text, false, 'work task:' || c.task)::outcome;
    END LOOP;
    PERFORM calls_keep('task_cancel', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;
