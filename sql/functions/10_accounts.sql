-- SPDX-License-Identifier: Apache-2.0
-- Accounts and their API keys.

-- A new account with its first key. Nobody is signed in: idempotency is kept under the nil uuid.
CREATE OR REPLACE FUNCTION account_create(p_idem text[], p_hash bytea[], p_id uuid[], p_name text[], p_key_id uuid[],
                                          p_secret_hash bytea[], p_scopes bigint[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_nil uuid[] := array_fill(nil_uuid(), ARRAY[cardinality(p_id)]);
    v_at timestamptz := clock_timestamp();
    v_done outcome[] := '{}';
    c record;
BEGIN
    FOR c IN
        SELECT a.ord::int AS ord, a.id, a.name, a.key_id, a.scopes, i.id AS made_id, i.at AS made_at, i.detail AS made_detail,
               CASE WHEN i.key IS NOT NULL THEN CASE WHEN i.body_hash = a.hash THEN 'ok' ELSE 'idempotency_mismatch' END
                    WHEN a.idem IS NOT NULL AND row_number() OVER (PARTITION BY a.idem ORDER BY a.ord) > 1 THEN 'busy'
                    WHEN a.name !~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$' THEN 'bad_field'
                    WHEN a.scopes NOT BETWEEN 1 AND 2147483647 THEN 'bad_field' END AS verdict
        FROM unnest(p_idem, p_hash, p_id, p_name, p_key_id, p_scopes)
             WITH ORDINALITY AS a(idem, hash, id, name, key_id, scopes, ord)
        LEFT JOIN LATERAL (SELECT x.* FROM idempotency x WHERE x.entity_id = nil_uuid() AND x.operation = 'account_create'
                           AND x.key = a.idem LIMIT 1) i ON true
        ORDER BY a.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
        ELSE
            v_done := v_done || (c.ord, 'ok', c.id, v_at,
                json_build_object('name', c.name, 'key_id', c.key_id, 'scopes', c.scopes)::text, false, NULL)::outcome;
        END IF;
    END LOOP;
    INSERT INTO entities (id, name, created_at)
        SELECT d.id, p_name[d.ord], v_at FROM unnest(v_done) d WHERE d.status = 'ok' AND NOT d.replayed;
    INSERT INTO api_keys (id, entity_id, name, secret_hash, scopes, created_at)
        SELECT p_key_id[d.ord], d.id, 'first', p_secret_hash[d.ord], p_scopes[d.ord], v_at
        FROM unnest(v_done) d WHERE d.status = 'ok' AND NOT d.replayed;
    PERFORM calls_keep('account_create', v_nil, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- A further key: no scope the caller lacks, at most 100 live ones.
CREATE OR REPLACE FUNCTION key_create(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_name text[],
                                      p_secret_hash bytea[], p_scopes bigint[], p_expires_ms bigint[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_expires timestamptz;
    v_status text;
    c record;
BEGIN
    PERFORM 1 FROM entities WHERE id = ANY (p_entity) ORDER BY id FOR NO KEY UPDATE;
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, a.id, a.name, a.secret_hash, a.scopes AS wanted, a.expires_ms
        FROM calls_judged('key_create', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id, p_name, p_secret_hash, p_scopes, p_expires_ms)
             WITH ORDINALITY AS a(id, name, secret_hash, scopes, expires_ms, ord) ON a.ord = j.ord
        ORDER BY j.entity, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        v_status := CASE
            WHEN length(c.name) NOT BETWEEN 1 AND 64 OR c.wanted NOT BETWEEN 1 AND 2147483647 THEN 'bad_field'
            WHEN c.expires_ms NOT BETWEEN 1 AND 315360000000 THEN 'bad_field'
            WHEN c.wanted & ~c.scopes::bigint <> 0 THEN 'forbidden'
            WHEN (SELECT count(*) FROM api_keys k WHERE k.entity_id = c.entity AND k.revoked_at IS NULL) >= 100 THEN 'limit_reached'
            ELSE 'ok' END;
        IF v_status = 'ok' THEN
            v_expires := utc_ms(v_at + c.expires_ms * interval '1 ms');
            INSERT INTO api_keys (id, entity_id, name, secret_hash, scopes, created_at, expires_at)
                VALUES (c.id, c.entity, c.name, c.secret_hash, c.wanted, v_at, v_expires);
            v_done := v_done || (c.ord, 'ok', c.id, v_at,
                json_build_object('name', c.name, 'scopes', c.wanted, 'expires_at', utc_text(v_expires))::text, false, NULL)::outcome;
        ELSE
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
        END IF;
    END LOOP;
    PERFORM calls_keep('key_create', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- Ends a key of one's own; ending it again answers the first time.
CREATE OR REPLACE FUNCTION key_revoke(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[] := '{}';
    c record;
BEGIN
    PERFORM 1 FROM api_keys WHERE id = ANY (p_id) ORDER BY id FOR NO KEY UPDATE;
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, a.id, k.id IS NOT NULL AS found, k.revoked_at
        FROM calls_judged('key_revoke', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id) WITH ORDINALITY AS a(id, ord) ON a.ord = j.ord
        LEFT JOIN api_keys k ON k.id = a.id AND k.entity_id = j.entity
        ORDER BY j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
        ELSIF NOT c.found THEN
            v_done := v_done || (c.ord, 'not_found', NULL, NULL, NULL, false, NULL)::outcome;
        ELSE
            v_done := v_done || (c.ord, 'ok', c.id, coalesce(c.revoked_at, v_at), NULL, false, NULL)::outcome;
        END IF;
    END LOOP;
    UPDATE api_keys SET revoked_at = v_at
        WHERE revoked_at IS NULL AND id IN (SELECT d.id FROM unnest(v_done) d WHERE d.status = 'ok' AND NOT d.replayed);
    PERFORM calls_keep('key_revoke', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- Operators are named by whoever may run SQL as the owner of the database: there is no endpoint for it.
CREATE OR REPLACE FUNCTION operator_grant(p_entity uuid) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE entities SET is_operator = true WHERE id = p_entity;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no account %', p_entity USING ERRCODE = 'no_data_found';
    END IF;
END $$;
