-- SPDX-License-Identifier: Apache-2.0
-- Content-addressed blobs: parts of 1 MiB, resumable; a worker checks the hash of the whole.

-- The same digest of the same entity is the same blob. One that was found bad is taken up again from nothing.
CREATE OR REPLACE FUNCTION blob_create(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_id uuid[], p_digest bytea[],
                                       p_size bigint[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
    v_done outcome[] := '{}';
    v_blob blobs;
    c record;
BEGIN
    FOR c IN
        SELECT j.*, a.id, a.digest, a.size FROM calls_judged('blob_create', p_entity, p_key, p_idem, p_hash) j
        JOIN unnest(p_id, p_digest, p_size) WITH ORDINALITY AS a(id, digest, size, nth) ON a.nth = j.ord
        ORDER BY j.entity, a.digest, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        IF octet_length(c.digest) <> 32 OR c.size NOT BETWEEN 1 AND 268435456 THEN
            v_done := v_done || (c.ord, 'bad_field', NULL, NULL, bad_field('/size_bytes', 'must be 1 to 268435456'), false, NULL)::outcome;
            CONTINUE;
        END IF;
        INSERT INTO blobs (id, entity_id, digest, size_bytes, state, created_at)
            VALUES (c.id, c.entity, c.digest, c.size, 'uploading', v_at)
            ON CONFLICT ON CONSTRAINT blobs_digest DO NOTHING;
        SELECT * INTO STRICT v_blob FROM blobs WHERE entity_id = c.entity AND digest = c.digest FOR NO KEY UPDATE;
        IF v_blob.state = 'bad' OR (v_blob.state = 'uploading' AND v_blob.size_bytes <> c.size) THEN
            DELETE FROM blob_parts WHERE blob_id = v_blob.id;
            UPDATE blobs SET state = 'uploading', size_bytes = c.size WHERE id = v_blob.id RETURNING * INTO v_blob;
        END IF;
        IF v_blob.size_bytes <> c.size THEN
            v_done := v_done || (c.ord, 'conflict', NULL, NULL, NULL, false, NULL)::outcome;
        ELSE
            v_done := v_done || (c.ord, 'ok', v_blob.id, v_at, json_build_object('state', v_blob.state)::text, false, NULL)::outcome;
        END IF;
    END LOOP;
    PERFORM calls_keep('blob_create', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- One part. The same part again replaces it until the blob is completed; afterwards only the same bytes are fine.
CREATE OR REPLACE FUNCTION blob_part(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_blob uuid[], p_index bigint[],
                                     p_data bytea[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    k_part CONSTANT bigint := 1048576;
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_status text;
    v_data bytea;
    c record;
BEGIN
    PERFORM 1 FROM blobs WHERE id = ANY (p_blob) ORDER BY id FOR NO KEY UPDATE;
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, p_index[j.ord] AS part, b.id AS blob, b.size_bytes, b.state,
               least(k_part, b.size_bytes - p_index[j.ord] * k_part) AS want_bytes
        FROM calls_judged('blob_part', p_entity, p_key, p_idem, p_hash) j
        LEFT JOIN blobs b ON b.id = p_blob[j.ord] AND b.entity_id = j.entity
        ORDER BY j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        v_data := p_data[c.ord];
        v_status := CASE
            WHEN c.blob IS NULL THEN 'not_found'
            WHEN c.part NOT BETWEEN 0 AND 255 OR c.want_bytes < 1 OR octet_length(v_data) <> c.want_bytes THEN 'bad_field'
            WHEN c.state = 'bad' THEN 'blob_hash_mismatch'
            WHEN c.state <> 'uploading' AND NOT EXISTS (SELECT 1 FROM blob_parts p WHERE p.blob_id = c.blob
                AND p.part_index = c.part AND p.data = v_data) THEN 'conflict'
            ELSE 'ok' END;
        IF v_status = 'ok' AND c.state = 'uploading' THEN
            INSERT INTO blob_parts (blob_id, part_index, data) VALUES (c.blob, c.part, v_data)
                ON CONFLICT ON CONSTRAINT blob_parts_key DO UPDATE SET data = excluded.data;
        END IF;
        v_done := v_done || (c.ord, v_status, CASE WHEN v_status = 'ok' THEN c.blob END, CASE WHEN v_status = 'ok' THEN v_at END,
            CASE WHEN v_status = 'bad_field' AND c.want_bytes >= 1
                 THEN bad_field('', 'this part must have ' || c.want_bytes || ' bytes')
                 WHEN v_status = 'bad_field' THEN bad_field('', 'the blob has no such part') END, false, NULL)::outcome;
    END LOOP;
    PERFORM calls_keep('blob_part', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;

-- All parts are there: a worker checks the hash.
CREATE OR REPLACE FUNCTION blob_complete(p_entity uuid[], p_key uuid[], p_idem text[], p_hash bytea[], p_blob uuid[])
RETURNS SETOF outcome LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_at timestamptz;
    v_done outcome[] := '{}';
    v_state text;
    v_status text;
    c record;
BEGIN
    PERFORM 1 FROM blobs WHERE id = ANY (p_blob) ORDER BY id FOR NO KEY UPDATE;
    v_at := clock_timestamp();
    FOR c IN
        SELECT j.*, b.id AS blob, b.size_bytes FROM calls_judged('blob_complete', p_entity, p_key, p_idem, p_hash) j
        LEFT JOIN blobs b ON b.id = p_blob[j.ord] AND b.entity_id = j.entity
        ORDER BY b.id, j.ord
    LOOP
        IF c.verdict IS NOT NULL THEN
            v_done := v_done || outcome_known(c.ord, c.verdict, c.made_id, c.made_at, c.made_detail);
            CONTINUE;
        END IF;
        SELECT state INTO v_state FROM blobs WHERE id = c.blob;
        v_status := CASE
            WHEN c.blob IS NULL THEN 'not_found'
            WHEN v_state = 'bad' THEN 'blob_hash_mismatch'
            WHEN v_state = 'uploading' AND c.size_bytes <>
                (SELECT coalesce(sum(octet_length(data)), 0) FROM blob_parts WHERE blob_id = c.blob) THEN 'blob_incomplete'
            ELSE 'ok' END;
        IF v_status = 'ok' AND v_state = 'uploading' THEN
            UPDATE blobs SET state = 'checking' WHERE id = c.blob;
            PERFORM work_ask('blob', c.blob, v_at);
            v_done := v_done || (c.ord, 'ok', c.blob, v_at, '{"state":"checking"}', false, 'work')::outcome;
        ELSIF v_status = 'ok' THEN
            v_done := v_done || (c.ord, 'ok', c.blob, v_at, json_build_object('state', v_state)::text, false, NULL)::outcome;
        ELSE
            v_done := v_done || (c.ord, v_status, NULL, NULL, NULL, false, NULL)::outcome;
        END IF;
    END LOOP;
    PERFORM calls_keep('blob_complete', p_entity, p_idem, p_hash, v_done);
    RETURN QUERY SELECT * FROM unnest(v_done);
END $$;
