-- SPDX-License-Identifier: Apache-2.0
-- Nodes and the reserve pledged to them.

-- The same key of the same entity is the same node: its description is brought up to date.
CREATE OR REPLACE FUNCTION node_register(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_name text[],
    p_node_key bytea[], p_class text[], p_kinds text[], p_provides boolean[], p_verifies boolean[], p_hardware text[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
    v_done outcome[] := '{}';
    v_status text;
    v_id uuid;
    v_owner uuid;
    v_retired timestamptz;
    c record;
BEGIN
    PERFORM 1 FROM nodes WHERE node_key = ANY (p_node_key) ORDER BY node_key FOR NO KEY UPDATE;
    FOR c IN
        SELECT j.*, a.* FROM calls_judged('node_register', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id, p_name, p_node_key, p_class, p_kinds, p_provides, p_verifies, p_hardware)
             WITH ORDINALITY AS a(id, name, node_key, class, kinds, provides, verifies, hardware, nth) ON a.nth = j.ord
        ORDER BY a.node_key, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        v_status := CASE
            WHEN octet_length(c.node_key) <> 32 OR c.name !~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$' THEN 'bad_field'
            WHEN c.class !~ '^[a-z0-9-]{1,32}$' OR c.kinds !~ '^[a-z0-9_.]{1,40}(,[a-z0-9_.]{1,40}){0,31}$' THEN 'bad_field'
            ELSE 'ok' END;
        IF v_status = 'ok' THEN
            INSERT INTO nodes (id, entity_id, name, node_key, class, kinds, provides, verifies, hardware, created_at)
                VALUES (c.id, c.entity, c.name, c.node_key, c.class, string_to_array(c.kinds, ','), c.provides, c.verifies,
                        coalesce(c.hardware, '{}')::jsonb, v_at)
                ON CONFLICT ON CONSTRAINT nodes_key DO NOTHING;
            SELECT n.id, n.entity_id, n.retired_at INTO STRICT v_id, v_owner, v_retired FROM nodes n WHERE n.node_key = c.node_key;
            IF v_owner <> c.entity THEN
                v_status := 'conflict';
            ELSIF v_retired IS NOT NULL THEN
                v_status := 'node_retired';
            ELSIF v_id <> c.id THEN
                UPDATE nodes SET name = c.name, class = c.class, kinds = string_to_array(c.kinds, ','), provides = c.provides,
                    verifies = c.verifies, hardware = coalesce(c.hardware, '{}')::jsonb WHERE id = v_id;
            END IF;
        END IF;
        IF v_status = 'ok' THEN
            v_done := v_done || (c.ord, 'ok', v_id, v_at, NULL, false, 'node:' || v_id)::outcome;
        ELSE
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
        END IF;
    END LOOP;
    PERFORM calls_keep('node_register', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- "I am here." Set-based: every node of the market calls it every few seconds.
CREATE OR REPLACE FUNCTION node_heartbeat(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_draining boolean[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[];
BEGIN
    PERFORM 1 FROM nodes WHERE id = ANY (p_id) ORDER BY id FOR NO KEY UPDATE;
    v_at := clock_timestamp();
    SELECT array_agg(CASE
            WHEN j.verdict IS NOT NULL THEN outcome_known(j.ord, j.verdict, j.made_id, j.made_at, j.made_detail)
            WHEN n.id IS NULL THEN (j.ord, 'not_found', NULL, NULL, NULL, false, NULL)::outcome
            WHEN n.entity_id <> j.entity THEN (j.ord, 'forbidden', NULL, NULL, NULL, false, NULL)::outcome
            WHEN n.retired_at IS NOT NULL THEN (j.ord, 'node_retired', NULL, NULL, NULL, false, NULL)::outcome
            ELSE (j.ord, 'ok', n.id, v_at, NULL, false, NULL)::outcome END ORDER BY j.ord)
        INTO v_done
        FROM calls_judged('node_heartbeat', p_entity, p_key, p_idem, p_hash) j
        LEFT JOIN nodes n ON n.id = p_id[j.ord];
    UPDATE nodes n SET last_seen_at = v_at, draining = d.draining
        FROM (SELECT DISTINCT ON (d.id) d.id, p_draining[d.ord] AS draining FROM unnest(v_done) d
              WHERE d.status = 'ok' AND NOT d.replayed ORDER BY d.id, d.ord DESC) d
        WHERE n.id = d.id;
    PERFORM calls_keep('node_heartbeat', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- The reserve account is the lock of an entity's pledges.
CREATE OR REPLACE FUNCTION pledges_lock(p_entities uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM ledger_lock(array_agg(e.id), array_agg('reserve'::text), array_agg(nil_uuid())) FROM entities e WHERE e.id = ANY (p_entities);
END $$;

-- Pledges reserve to a node. Nothing moves; the pledges of an entity never exceed its reserve and bonds.
CREATE OR REPLACE FUNCTION node_reserve(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_node uuid[], p_amount bigint[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_pledge pledges;
    c record;
BEGIN
    PERFORM pledges_lock(p_entity);
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, a.amount, n.id AS node, n.entity_id AS owner, n.retired_at
        FROM calls_judged('node_reserve', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_node, p_amount) WITH ORDINALITY AS a(node, amount, nth) ON a.nth = j.ord
        LEFT JOIN nodes n ON n.id = a.node
        ORDER BY j.entity, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        v_status := CASE
            WHEN c.node IS NULL THEN 'not_found'
            WHEN c.owner <> c.entity THEN 'forbidden'
            WHEN c.retired_at IS NOT NULL THEN 'node_retired'
            WHEN c.amount NOT BETWEEN 1 AND 1000000000000000000 THEN 'amount_range'
            WHEN pledges_total(c.entity) + c.amount > ledger_balance(c.entity, 'reserve') + ledger_balance(c.entity, 'bond')
                THEN 'insufficient_reserve'
            ELSE 'ok' END;
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        INSERT INTO pledges AS p (node_id, entity_id, pledged_gwei) VALUES (c.node, c.entity, c.amount)
            ON CONFLICT (node_id) DO UPDATE SET pledged_gwei = p.pledged_gwei + excluded.pledged_gwei
            RETURNING * INTO v_pledge;
        v_done := v_done || (c.ord, 'ok', c.node, v_at, json_build_object('pledged_gwei', v_pledge.pledged_gwei,
            'releasing_gwei', v_pledge.releasing_gwei)::text, false, 'node:' || c.node)::outcome;
    END LOOP;
    PERFORM calls_keep('node_reserve', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- A pledge leaves its node at once, and is free for other use after the policy's delay.
CREATE OR REPLACE FUNCTION node_unreserve(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_node uuid[],
                                          p_amount bigint[], p_policy text[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_pledge pledges;
    v_due timestamptz;
    c record;
BEGIN
    PERFORM pledges_lock(p_entity);
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, a.id, a.amount, n.id AS node, n.entity_id AS owner, p.pledge_release_ms
        FROM calls_judged('node_unreserve', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id, p_node, p_amount, p_policy) WITH ORDINALITY AS a(id, node, amount, policy, nth) ON a.nth = j.ord
        LEFT JOIN nodes n ON n.id = a.node
        LEFT JOIN LATERAL (SELECT pledge_release_ms FROM policies WHERE name = a.policy ORDER BY version DESC LIMIT 1) p ON true
        ORDER BY j.entity, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        SELECT * INTO v_pledge FROM pledges WHERE node_id = c.node;
        v_status := CASE
            WHEN c.node IS NULL THEN 'not_found'
            WHEN c.owner <> c.entity THEN 'forbidden'
            WHEN c.pledge_release_ms IS NULL THEN 'unknown_policy'
            WHEN c.amount NOT BETWEEN 1 AND 1000000000000000000 THEN 'amount_range'
            WHEN c.amount > coalesce(v_pledge.pledged_gwei, 0) THEN 'insufficient_reserve'
            ELSE 'ok' END;
        IF v_status <> 'ok' THEN
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        UPDATE pledges SET pledged_gwei = pledged_gwei - c.amount, releasing_gwei = releasing_gwei + c.amount
            WHERE node_id = c.node RETURNING * INTO v_pledge;
        v_due := utc_ms(v_at + c.pledge_release_ms * interval '1 ms') + interval '1 ms';
        INSERT INTO unbondings (id, entity_id, node_id, amount_gwei, requested_at, due_at)
            VALUES (c.id, c.entity, c.node, c.amount, v_at, v_due);
        PERFORM work_ask('unbond', c.id, v_due);
        v_done := v_done || (c.ord, 'ok', c.id, v_at, json_build_object('pledged_gwei', v_pledge.pledged_gwei,
            'releasing_gwei', v_pledge.releasing_gwei, 'due_at', utc_text(v_due))::text, false, 'node:' || c.node)::outcome;
    END LOOP;
    PERFORM calls_keep('node_unreserve', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- No new bids and seats; what it holds it still finishes. Retiring again answers the first time.
CREATE OR REPLACE FUNCTION node_retire(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_node uuid[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[];
BEGIN
    PERFORM 1 FROM nodes WHERE id = ANY (p_node) ORDER BY id FOR NO KEY UPDATE;
    v_at := clock_timestamp();
    SELECT array_agg(CASE
            WHEN j.verdict IS NOT NULL THEN outcome_known(j.ord, j.verdict, j.made_id, j.made_at, j.made_detail)
            WHEN n.id IS NULL THEN (j.ord, 'not_found', NULL, NULL, NULL, false, NULL)::outcome
            WHEN n.entity_id <> j.entity THEN (j.ord, 'forbidden', NULL, NULL, NULL, false, NULL)::outcome
            ELSE (j.ord, 'ok', n.id, coalesce(n.retired_at, v_at), NULL, false, 'node:' || n.id)::outcome END ORDER BY j.ord)
        INTO v_done
        FROM calls_judged('node_retire', p_entity, p_key, p_idem, p_hash) j
        LEFT JOIN nodes n ON n.id = p_node[j.ord];
    UPDATE nodes SET retired_at = v_at
        WHERE retired_at IS NULL AND id IN (SELECT d.id FROM unnest(v_done) d WHERE d.status = 'ok' AND NOT d.replayed);
    PERFORM calls_keep('node_retire', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;
