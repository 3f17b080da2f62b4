-- SPDX-License-Identifier: Apache-2.0
-- Asks for the cancellation of :count open tasks, as their requesters would; tests/bench/run times what follows.
SELECT count(*) FROM (
    SELECT array_agg(t.entity_id) AS entities, array_agg(k.id) AS keys, array_agg('bench-cancel-' || t.id) AS idems,
           array_agg(sha256('')) AS hashes, array_agg(t.id) AS tasks
    FROM (SELECT id, entity_id FROM tasks WHERE state = 'open' AND cancel_requested_at IS NULL ORDER BY id DESC LIMIT :count) t
    JOIN api_keys k ON k.entity_id = t.entity_id) a,
    LATERAL task_cancel(a.entities, a.keys, a.idems, a.hashes, a.tasks) o WHERE o.status = 'ok';
