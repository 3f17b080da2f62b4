-- SPDX-License-Identifier: Apache-2.0
-- What workers do to bonds and locks, in one statement each, for tests that need no worker.

CREATE FUNCTION test_lock(p_purpose text, p_subject uuid, p_entity uuid, p_task uuid, p_amount bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ledger_post(clock_timestamp(), ARRAY[p_purpose || '_bond:' || p_subject], ARRAY[p_purpose || '_bond'], ARRAY[p_task],
        ARRAY[(1, p_entity, 'reserve', nil_uuid(), -p_amount)::ledger_entry, (1, p_entity, 'bond', nil_uuid(), p_amount)::ledger_entry]);
    INSERT INTO bonds (id, entity_id, purpose, task_id, subject_id, amount_gwei, opened_at)
        VALUES (uuid_v7(clock_timestamp()), p_entity, p_purpose, p_task, p_subject, p_amount, clock_timestamp());
END $$;

-- Gives a bond back but for what is slashed of it, which burns.
CREATE FUNCTION test_unlock(p_purpose text, p_subject uuid, p_slash bigint, p_reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b bonds;
    v_at timestamptz := clock_timestamp();
    v_ids uuid[];
BEGIN
    SELECT * INTO STRICT b FROM bonds WHERE purpose = p_purpose AND subject_id = p_subject AND closed_at IS NULL;
    IF p_slash < b.amount_gwei THEN
        PERFORM ledger_post(v_at, ARRAY['release:' || b.id], ARRAY['release'], ARRAY[b.task_id], ARRAY[
            (1, b.entity_id, 'bond', nil_uuid(), p_slash - b.amount_gwei)::ledger_entry,
            (1, b.entity_id, 'reserve', nil_uuid(), b.amount_gwei - p_slash)::ledger_entry]);
    END IF;
    IF p_slash > 0 THEN
        v_ids := ledger_post(v_at, ARRAY['slash:' || b.id], ARRAY['slash'], ARRAY[b.task_id], ARRAY[
            (1, b.entity_id, 'bond', nil_uuid(), -p_slash)::ledger_entry,
            (1, nil_uuid(), 'issued', ledger_shard(b.entity_id), p_slash)::ledger_entry,
            (1, nil_uuid(), 'staked', ledger_shard(b.entity_id), -p_slash)::ledger_entry,
            (1, nil_uuid(), 'burn', ledger_shard(b.task_id), p_slash)::ledger_entry]);
        INSERT INTO slashes (id, entity_id, task_id, bond_id, amount_gwei, reason, evidence, transfer_id, at)
            VALUES (uuid_v7(v_at), b.entity_id, b.task_id, b.id, p_slash, p_reason,
                    jsonb_build_object('subject', p_subject), v_ids[1], v_at);
        PERFORM stake_note(ARRAY[b.entity_id], v_ids, v_at);
    END IF;
    UPDATE bonds SET closed_at = v_at, slashed_gwei = p_slash WHERE id = b.id;
END $$;

CREATE FUNCTION test_unlock_bid(p_bid uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b bids;
BEGIN
    UPDATE bids SET lock_state = 'released' WHERE id = p_bid AND lock_state = 'held' RETURNING * INTO STRICT b;
    PERFORM ledger_post(clock_timestamp(), ARRAY['release:' || b.id], ARRAY['release'], ARRAY[b.task_id], ARRAY[
        (1, b.entity_id, 'bond', nil_uuid(), -b.lock_gwei)::ledger_entry,
        (1, b.entity_id, 'reserve', nil_uuid(), b.lock_gwei)::ledger_entry]);
END $$;

-- An opened bid that is not: its lock burns.
CREATE FUNCTION test_slash_bid(p_bid uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    b bids;
    v_at timestamptz := clock_timestamp();
    v_ids uuid[];
BEGIN
    UPDATE bids SET lock_state = 'slashed', verdict = 'unopened', reason = 'not opened' WHERE id = p_bid AND lock_state = 'held'
        RETURNING * INTO STRICT b;
    v_ids := ledger_post(v_at, ARRAY['slash:' || b.id], ARRAY['slash'], ARRAY[b.task_id], ARRAY[
        (1, b.entity_id, 'bond', nil_uuid(), -b.lock_gwei)::ledger_entry,
        (1, nil_uuid(), 'issued', ledger_shard(b.entity_id), b.lock_gwei)::ledger_entry,
        (1, nil_uuid(), 'staked', ledger_shard(b.entity_id), -b.lock_gwei)::ledger_entry,
        (1, nil_uuid(), 'burn', ledger_shard(b.task_id), b.lock_gwei)::ledger_entry]);
    INSERT INTO slashes (id, entity_id, task_id, bid_id, amount_gwei, reason, evidence, transfer_id, at)
        VALUES (uuid_v7(v_at), b.entity_id, b.task_id, b.id, b.lock_gwei, 'unopened',
                jsonb_build_object('bid', b.id), v_ids[1], v_at);
    PERFORM stake_note(ARRAY[b.entity_id], v_ids, v_at);
END $$;

-- Pays the accepted job of slot 0 its price less 5 %, one seat fee to each seat that said yes, the rest back; or refunds all.
CREATE FUNCTION test_settle(p_task uuid, p_outcome text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_at timestamptz := clock_timestamp();
    t tasks;
    j jobs;
    e ledger_entry[] := '{}';
    v_fee bigint := 0;
    v_seats bigint := 0;
    v_rest bigint;
    v_ids uuid[];
BEGIN
    SELECT * INTO STRICT t FROM tasks WHERE id = p_task;
    v_rest := ledger_balance(t.entity_id, 'escrow', t.id);
    e := e || (1, t.entity_id, 'escrow', t.id, -v_rest)::ledger_entry;
    IF p_outcome = 'paid' THEN
        SELECT * INTO STRICT j FROM jobs WHERE task_id = t.id AND slot = 0 AND state = 'accepted';
        v_fee := j.price_gwei * 50000 / 1000000;
        SELECT coalesce(sum(t.seat_fee_gwei * s.weight), 0) INTO v_seats FROM seats s
            WHERE s.task_id = t.id AND s.state = 'revealed' AND s.vote;
        e := e || (1, j.entity_id, 'available', nil_uuid(), j.price_gwei - v_fee)::ledger_entry
               || (1, nil_uuid(), 'treasury', ledger_shard(t.id), v_fee)::ledger_entry;
        SELECT e || coalesce(array_agg((1, s.entity_id, 'available', nil_uuid(), t.seat_fee_gwei * s.weight)::ledger_entry), '{}')
            INTO e FROM seats s WHERE s.task_id = t.id AND s.state = 'revealed' AND s.vote;
        v_rest := v_rest - j.price_gwei - v_seats;
        UPDATE jobs SET state = 'paid', ended_at = v_at WHERE id = j.id;
    END IF;
    e := e || (1, t.entity_id, 'available', nil_uuid(), v_rest)::ledger_entry;
    v_ids := ledger_post(v_at, ARRAY['task:' || t.id || ':settle'], ARRAY['settle'], ARRAY[t.id], e);
    INSERT INTO settlements (task_id, outcome, reason, escrow_gwei, provider_gwei, fee_gwei, verifier_gwei, refund_gwei, transfer_id, at)
        VALUES (t.id, p_outcome, 'test', coalesce(j.price_gwei, 0) + v_seats + v_rest, coalesce(j.price_gwei, 0) - v_fee, v_fee,
                v_seats, v_rest, v_ids[1], v_at);
    INSERT INTO settlement_lines (task_id, line, entity_id, account_kind, amount_gwei, job_id, seat_id, rule)
        SELECT t.id, row_number() OVER (), x.owner, x.kind, x.amount, CASE WHEN x.n <= 3 AND p_outcome = 'paid' THEN j.id END, NULL,
               'test rule'
        FROM unnest(e) WITH ORDINALITY AS x(transfer, owner, kind, ref, amount, n) WHERE x.n > 1 AND x.amount > 0;
    PERFORM task_move(t.id, p_outcome, p_outcome, v_at);
END $$;
