-- SPDX-License-Identifier: Apache-2.0
-- Money in, stake in, stake out. Balances run along inside a batch: two calls of one entity cannot spend the same gwei twice.

-- Coins out of nothing, in development only (the server refuses elsewhere): external -> available.
CREATE OR REPLACE FUNCTION faucet(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_amount bigint[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    k_most CONSTANT bigint := 1000000000000000;         -- of one grant: 10^6 CYS
    k_supply CONSTANT bigint := 1000000000000000000;    -- the whole supply bounds an account
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_entries ledger_entry[] := '{}';
    v_keys text[] := '{}';
    v_entity uuid;
    v_balance bigint;
    v_minted numeric := (SELECT coalesce(-sum(balance_gwei), 0) FROM ledger_accounts WHERE owner = nil_uuid() AND kind = 'external');
    c record;
BEGIN
    PERFORM ledger_lock(array_agg(l.owner), array_agg(l.kind), array_agg(l.ref)) FROM (
        SELECT e.id, 'available', nil_uuid() FROM entities e WHERE e.id = ANY (p_entity)
        UNION SELECT nil_uuid(), 'external', ledger_shard(i) FROM unnest(p_id) i) l(owner, kind, ref);
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, a.id, a.amount FROM calls_judged('faucet', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id, p_amount) WITH ORDINALITY AS a(id, amount, ord) ON a.ord = j.ord ORDER BY j.entity, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        IF v_entity IS DISTINCT FROM c.entity THEN
            v_entity := c.entity;
            v_balance := ledger_balance(v_entity, 'available');
        END IF;
        IF c.amount NOT BETWEEN 1 AND k_most THEN
            v_done := v_done || (c.ord, 'amount_range', NULL, NULL, NULL, false, NULL)::outcome;
        ELSIF v_balance + c.amount > k_supply OR v_minted + c.amount > k_supply THEN
            v_done := v_done || (c.ord, 'limit_reached', NULL, NULL, NULL, false, NULL)::outcome;
        ELSE
            v_balance := v_balance + c.amount;
            v_minted := v_minted + c.amount;
            v_keys := v_keys || ('faucet:' || c.id);
            v_entries := v_entries || (cardinality(v_keys), nil_uuid(), 'external', ledger_shard(c.id), -c.amount)::ledger_entry
                                   || (cardinality(v_keys), c.entity, 'available', nil_uuid(), c.amount)::ledger_entry;
            v_done := v_done || (c.ord, 'ok', c.id, v_at,
                json_build_object('available_gwei', v_balance)::text, false, NULL)::outcome;
        END IF;
    END LOOP;
    IF cardinality(v_keys) > 0 THEN
        PERFORM ledger_post(v_at, v_keys, array_fill('faucet'::text, ARRAY[cardinality(v_keys)]),
                            array_fill(NULL::uuid, ARRAY[cardinality(v_keys)]), v_entries);
    END IF;
    PERFORM calls_keep('faucet', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- Locks the stake accounts of entities with the shards that back them.
CREATE OR REPLACE FUNCTION stake_lock(p_entities uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM ledger_lock(array_agg(l.owner), array_agg(l.kind), array_agg(l.ref)) FROM (
        SELECT e.id, k.kind, nil_uuid() FROM entities e, unnest(ARRAY['available', 'reserve', 'bond', 'unbonding']) AS k(kind)
            WHERE e.id = ANY (p_entities)
        UNION SELECT nil_uuid(), k.kind, ledger_shard(e.id) FROM entities e, unnest(ARRAY['staked', 'issued']) AS k(kind)
            WHERE e.id = ANY (p_entities)) l(owner, kind, ref);
END $$;

-- CYS becomes reserve: available -> staked, and CGT issued -> reserve, one transfer.
CREATE OR REPLACE FUNCTION stake(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_amount bigint[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_entries ledger_entry[] := '{}';
    v_keys text[] := '{}';
    v_entities uuid[] := '{}';
    v_entity uuid;
    v_available bigint;
    v_reserve bigint;
    v_n int;
    c record;
BEGIN
    PERFORM stake_lock(p_entity);
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, a.id, a.amount FROM calls_judged('stake', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id, p_amount) WITH ORDINALITY AS a(id, amount, ord) ON a.ord = j.ord ORDER BY j.entity, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        IF v_entity IS DISTINCT FROM c.entity THEN
            v_entity := c.entity;
            v_available := ledger_balance(v_entity, 'available');
            v_reserve := ledger_balance(v_entity, 'reserve');
        END IF;
        IF c.amount NOT BETWEEN 1 AND 1000000000000000000 THEN
            v_done := v_done || (c.ord, 'amount_range', NULL, NULL, NULL, false, NULL)::outcome;
        ELSIF c.amount > v_available THEN
            v_done := v_done || (c.ord, 'insufficient_funds', NULL, NULL, NULL, false, NULL)::outcome;
        ELSE
            v_available := v_available - c.amount;
            v_reserve := v_reserve + c.amount;
            v_keys := v_keys || ('stake:' || c.id);
            v_entities := v_entities || c.entity;
            v_n := cardinality(v_keys);
            v_entries := v_entries || (v_n, c.entity, 'available', nil_uuid(), -c.amount)::ledger_entry
                                   || (v_n, nil_uuid(), 'staked', ledger_shard(c.entity), c.amount)::ledger_entry
                                   || (v_n, nil_uuid(), 'issued', ledger_shard(c.entity), -c.amount)::ledger_entry
                                   || (v_n, c.entity, 'reserve', nil_uuid(), c.amount)::ledger_entry;
            v_done := v_done || (c.ord, 'ok', c.id, v_at,
                json_build_object('available_gwei', v_available, 'reserve_gwei', v_reserve)::text, false, NULL)::outcome;
        END IF;
    END LOOP;
    IF cardinality(v_keys) > 0 THEN
        PERFORM stake_note(v_entities, ledger_post(v_at, v_keys, array_fill('stake'::text, ARRAY[v_n]),
                                                   array_fill(NULL::uuid, ARRAY[v_n]), v_entries), v_at);
    END IF;
    PERFORM calls_keep('stake', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- What the nodes of an entity have been promised: pledged, or still being released.
CREATE OR REPLACE FUNCTION pledges_total(p_entity uuid) RETURNS numeric LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT coalesce(sum(pledged_gwei::numeric + releasing_gwei), 0) FROM pledges WHERE entity_id = p_entity);
END $$;

-- Reserve leaves by way of `unbonding`, where it can still be slashed; pledged reserve cannot leave.
CREATE OR REPLACE FUNCTION unstake(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_amount bigint[],
                                   p_policy text[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_entries ledger_entry[] := '{}';
    v_keys text[] := '{}';
    v_entities uuid[] := '{}';
    v_entity uuid;
    v_reserve bigint;
    v_free numeric;         -- reserve + bonds - pledges
    v_due timestamptz;
    v_status text;
    v_n int;
    c record;
BEGIN
    PERFORM stake_lock(p_entity);
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, a.id, a.amount, p.unbonding_ms FROM calls_judged('unstake', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id, p_amount, p_policy) WITH ORDINALITY AS a(id, amount, policy, ord) ON a.ord = j.ord
        LEFT JOIN LATERAL (SELECT unbonding_ms FROM policies WHERE name = a.policy ORDER BY version DESC LIMIT 1) p ON true
        ORDER BY j.entity, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        IF v_entity IS DISTINCT FROM c.entity THEN
            v_entity := c.entity;
            v_reserve := ledger_balance(v_entity, 'reserve');
            v_free := v_reserve + ledger_balance(v_entity, 'bond') - pledges_total(v_entity);
        END IF;
        v_status := CASE WHEN c.unbonding_ms IS NULL THEN 'unknown_policy'
                         WHEN c.amount NOT BETWEEN 1 AND 1000000000000000000 THEN 'amount_range'
                         WHEN c.amount > v_reserve OR c.amount > v_free THEN 'insufficient_reserve'
                         ELSE 'ok' END;
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        v_reserve := v_reserve - c.amount;
        v_free := v_free - c.amount;
        v_due := utc_ms(v_at + c.unbonding_ms * interval '1 ms') + interval '1 ms';
        v_keys := v_keys || ('unstake:' || c.id);
        v_entities := v_entities || c.entity;
        v_n := cardinality(v_keys);
        v_entries := v_entries || (v_n, c.entity, 'reserve', nil_uuid(), -c.amount)::ledger_entry
                               || (v_n, c.entity, 'unbonding', nil_uuid(), c.amount)::ledger_entry;
        INSERT INTO unbondings (id, entity_id, amount_gwei, requested_at, due_at) VALUES (c.id, c.entity, c.amount, v_at, v_due);
        PERFORM work_ask('unbond', c.id, v_due);
        v_done := v_done || (c.ord, 'ok', c.id, v_at,
            json_build_object('reserve_gwei', v_reserve, 'due_at', utc_text(v_due))::text, false, NULL)::outcome;
    END LOOP;
    IF cardinality(v_keys) > 0 THEN
        PERFORM stake_note(v_entities, ledger_post(v_at, v_keys, array_fill('unstake'::text, ARRAY[v_n]),
                                                   array_fill(NULL::uuid, ARRAY[v_n]), v_entries), v_at);
    END IF;
    PERFORM calls_keep('unstake', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;
