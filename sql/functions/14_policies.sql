-- SPDX-License-Identifier: Apache-2.0
-- Policies: written once, versioned by name, by operators only.

-- The body names every column of `policies` but id, version and created_at. What the table's constraints refuse is answered
-- as bad_field with their words.
CREATE OR REPLACE FUNCTION policy_create(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_body text[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
    v_done outcome[] := '{}';
    v_columns text[];
    v_body jsonb;
    v_wrong text;
    v_version int;
    v_message text;
    c record;
BEGIN
    SELECT array_agg(attname::text) INTO v_columns FROM pg_attribute
        WHERE attrelid = 'policies'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('id', 'version', 'created_at');
    FOR c IN
        SELECT j.*, a.id, a.body FROM calls_judged('policy_create', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id, p_body) WITH ORDINALITY AS a(id, body, nth) ON a.nth = j.ord ORDER BY j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        IF NOT c.is_operator THEN
            v_done := v_done || (c.ord, 'forbidden', NULL, NULL, NULL, false, NULL)::outcome;
            CONTINUE;
        END IF;
        BEGIN
            v_body := c.body::jsonb;
            SELECT min(x) INTO v_wrong FROM (
                SELECT k FROM jsonb_object_keys(v_body) k WHERE k <> ALL (v_columns)
                UNION SELECT k FROM unnest(v_columns) k WHERE coalesce(v_body -> k, 'null') = 'null') w(x);
            IF v_wrong IS NOT NULL THEN
                v_done := v_done || (c.ord, 'bad_field', NULL, NULL, bad_field('/' || v_wrong, 'unknown, or missing'), false, NULL)::outcome;
                CONTINUE;
            END IF;
            PERFORM pg_advisory_xact_lock(hashtextextended('policy:' || (v_body ->> 'name'), 0));
            SELECT coalesce(max(version), 0) + 1 INTO v_version FROM policies WHERE name = v_body ->> 'name';
            INSERT INTO policies SELECT * FROM jsonb_populate_record(NULL::policies,
                v_body || jsonb_build_object('id', c.id, 'version', v_version, 'created_at', v_at));
            v_done := v_done || (c.ord, 'ok', c.id, v_at,
                json_build_object('name', v_body ->> 'name', 'version', v_version)::text, false, NULL)::outcome;
        EXCEPTION WHEN check_violation OR not_null_violation OR data_exception THEN
            GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT;
            v_done := v_done || (c.ord, 'bad_field', NULL, NULL, bad_field('', left(v_message, 200)), false, NULL)::outcome;
        END;
    END LOOP;
    PERFORM calls_keep('policy_create', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;
