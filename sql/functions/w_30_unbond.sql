-- SPDX-License-Identifier: Apache-2.0
-- Stake or a node's pledge leaves after its delay, once. Takes the id of the work row; answers whether it released.
CREATE OR REPLACE FUNCTION w_unbond(p_work uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    u unbondings;
    v_now timestamptz;
    v_left bigint;
BEGIN
    SELECT b.* INTO u FROM unbondings b JOIN work w ON w.subject_id = b.id WHERE w.id = p_work AND w.job = 'unbond'
        FOR UPDATE OF b;
    v_now := clock_timestamp();
    IF u.id IS NULL OR u.released_at IS NOT NULL THEN
        DELETE FROM work WHERE id = p_work;
        RETURN false;
    END IF;
    IF u.due_at > v_now THEN
        RETURN false;
    END IF;
    v_left := u.amount_gwei - u.slashed_gwei;
    UPDATE unbondings SET released_at = v_now WHERE id = u.id;
    IF u.node_id IS NOT NULL THEN
        UPDATE pledges SET releasing_gwei = releasing_gwei - v_left WHERE node_id = u.node_id;
    ELSIF v_left > 0 THEN
        PERFORM ledger_post(v_now, ARRAY['unbond:' || u.id], ARRAY['unbond'], ARRAY[NULL::uuid], ARRAY[
            (1, u.entity_id, 'unbonding', nil_uuid(), -v_left)::ledger_entry,
            (1, nil_uuid(), 'issued', ledger_shard(u.entity_id), v_left)::ledger_entry,
            (1, nil_uuid(), 'staked', ledger_shard(u.entity_id), -v_left)::ledger_entry,
            (1, u.entity_id, 'available', nil_uuid(), v_left)::ledger_entry]);
    END IF;
    DELETE FROM work WHERE id = p_work;
    RETURN true;
END $$;
