-- SPDX-License-Identifier: Apache-2.0
-- What must never be false. Each query returns its violations: invariant (number), subject (an id), detail (words). A query
-- starts at its line `-- invariant: NUMBER CLASS: title` and ends with the semicolon at the end of a line; psql runs the file
-- as it stands. Classes: sql (no row at any commit), timed (no row past its grace). Invariants that need more than this
-- database are checked by `computefi audit`: 10 (the winners are the recomputed winners), 16 (every event reaches the log),
-- 17 (checkpoints and anchors tile the log), 18 (deposits credited once), 19 (withdrawals reserved first), and the draw proofs
-- of 11.
-- Settings, all optional: computefi.market_id (lets 9 open the bids' commitments), computefi.grace_ms (of 21; 60,000).

-- invariant: 1 sql: every transfer sums to zero per asset and has two or more lines
SELECT 1 AS invariant, s.transfer_id::text AS subject, format('%s %s in %s lines', s.asset, s.total, s.lines) AS detail
FROM (SELECT e.transfer_id, a.asset, sum(e.amount_gwei) AS total, count(*) AS lines
      FROM entries e LEFT JOIN ledger_accounts a ON a.id = e.account_id GROUP BY e.transfer_id, a.asset) s
WHERE s.total <> 0 OR s.asset IS NULL
UNION ALL
SELECT 1, t.id::text, format('%s lines', count(e.line))
FROM transfers t LEFT JOIN entries e ON e.transfer_id = t.id GROUP BY t.id HAVING count(e.line) < 2
UNION ALL
SELECT 1, e.transfer_id::text, 'entries without a transfer'
FROM entries e WHERE NOT EXISTS (SELECT 1 FROM transfers t WHERE t.id = e.transfer_id);

-- invariant: 2 sql: the ledger sums to zero
SELECT 2 AS invariant, a.asset AS subject, format('balances sum to %s', sum(a.balance_gwei)) AS detail
FROM ledger_accounts a GROUP BY a.asset HAVING sum(a.balance_gwei) <> 0;

-- invariant: 3 sql: a cached balance is the sum of its entries
SELECT 3 AS invariant, a.id::text AS subject, format('%s of %s: balance %s, entries %s', a.kind, a.owner, a.balance_gwei,
                                                     coalesce(s.total, 0)) AS detail
FROM ledger_accounts a
LEFT JOIN (SELECT e.account_id, sum(e.amount_gwei) AS total FROM entries e GROUP BY e.account_id) s ON s.account_id = a.id
WHERE a.balance_gwei <> coalesce(s.total, 0)
UNION ALL
SELECT 3, a.id::text, 'the id of the account is not that of its owner, kind and ref'
FROM ledger_accounts a WHERE a.id <> ledger_id(a.owner, a.kind, a.ref);

-- invariant: 4 sql: nothing but issued and external is negative; staked is minus issued
SELECT 4 AS invariant, a.id::text AS subject, format('%s of %s is %s', a.kind, a.owner, a.balance_gwei) AS detail
FROM ledger_accounts a WHERE (a.balance_gwei < 0) <> (a.kind IN ('issued', 'external')) AND a.balance_gwei <> 0
UNION ALL
SELECT 4, a.ref::text, format('this shard of staked and issued sums to %s', sum(a.balance_gwei))
FROM ledger_accounts a WHERE a.owner = nil_uuid() AND a.kind IN ('staked', 'issued') GROUP BY a.ref HAVING sum(a.balance_gwei) <> 0
UNION ALL
SELECT 4, a.id::text, format('an account of kind %s has owner %s', a.kind, a.owner)
FROM ledger_accounts a WHERE (a.owner = nil_uuid()) <> (a.kind IN ('treasury', 'burn', 'staked', 'issued', 'external'));

-- invariant: 5 sql: escrow is exactly the promise and the advances while a task lives, zero when it is final
SELECT 5 AS invariant, t.id::text AS subject, format('%s: holds %s, should hold %s', t.state, coalesce(a.balance_gwei, 0),
                                                     w.gwei) AS detail
FROM tasks t
CROSS JOIN LATERAL (SELECT CASE WHEN t.finished_at IS NOT NULL THEN 0 ELSE t.escrow_gwei
    + (SELECT coalesce(sum(r.advanced_gwei), 0) FROM rungs r WHERE r.task_id = t.id) END AS gwei) w
LEFT JOIN ledger_accounts a ON a.owner = t.entity_id AND a.kind = 'escrow' AND a.ref = t.id
WHERE coalesce(a.balance_gwei, 0) <> w.gwei
UNION ALL
SELECT 5, t.id::text, format('promised %s for terms worth %s', t.escrow_gwei,
                             t.max_price_gwei::numeric * t.replicas + 2::numeric * t.first_rung_seats * t.seat_fee_gwei)
FROM tasks t
WHERE t.escrow_gwei <> t.max_price_gwei::numeric * t.replicas + 2::numeric * t.first_rung_seats * t.seat_fee_gwei
UNION ALL
SELECT 5, a.ref::text, format('an escrow of %s without a task of %s', a.balance_gwei, a.owner)
FROM ledger_accounts a WHERE a.kind = 'escrow' AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = a.ref AND t.entity_id = a.owner);

-- invariant: 6 sql: final if and only if exactly one settlement, whose lines are what moved and never pay a slot more than its bid
SELECT 6 AS invariant, t.id::text AS subject, format('%s with settlement %s', t.state, coalesce(s.outcome, 'missing')) AS detail
FROM tasks t LEFT JOIN settlements s ON s.task_id = t.id
WHERE (t.finished_at IS NOT NULL) <> (s.task_id IS NOT NULL) OR s.outcome <> t.state
UNION ALL
SELECT 6, s.task_id::text, 'a settlement without a task' FROM settlements s WHERE NOT EXISTS (SELECT 1 FROM tasks t WHERE t.id = s.task_id)
UNION ALL
SELECT 6, s.task_id::text, format('lines sum to %s of an escrow of %s', coalesce(sum(l.amount_gwei), 0), s.escrow_gwei)
FROM settlements s LEFT JOIN settlement_lines l ON l.task_id = s.task_id
GROUP BY s.task_id, s.escrow_gwei HAVING coalesce(sum(l.amount_gwei), 0) <> s.escrow_gwei
UNION ALL
SELECT 6, coalesce(l.task_id, x.task_id)::text, format('%s of %s: lines say %s, the transfer moved %s', coalesce(l.kind, x.kind),
                                   coalesce(l.owner, x.owner), coalesce(l.gwei, 0), coalesce(x.gwei, 0))
FROM (SELECT l.task_id, l.entity_id AS owner, l.account_kind AS kind, sum(l.amount_gwei) AS gwei
      FROM settlement_lines l GROUP BY 1, 2, 3) l
FULL JOIN (SELECT s.task_id, a.owner, a.kind, sum(e.amount_gwei) AS gwei FROM settlements s
           JOIN entries e ON e.transfer_id = s.transfer_id JOIN ledger_accounts a ON a.id = e.account_id
           WHERE a.kind <> 'escrow' GROUP BY 1, 2, 3) x
     ON x.task_id = l.task_id AND x.owner = l.owner AND x.kind = l.kind
WHERE coalesce(l.gwei, 0) <> coalesce(x.gwei, 0)
UNION ALL
SELECT 6, j.id::text, format('paid %s, priced %s, bid %s', coalesce(p.gwei, 0), j.price_gwei, b.price_gwei)
FROM jobs j JOIN bids b ON b.id = j.bid_id
LEFT JOIN (SELECT l.job_id, sum(l.amount_gwei) AS gwei FROM settlement_lines l GROUP BY l.job_id) p ON p.job_id = j.id
WHERE j.price_gwei > b.price_gwei OR coalesce(p.gwei, 0) > j.price_gwei
   OR b.task_id <> j.task_id OR b.entity_id <> j.entity_id OR b.node_id <> j.node_id;

-- invariant: 7 sql: per slot only the newest fence with a result is paid, for the result it committed to
SELECT 7 AS invariant, j.id::text AS subject, format('slot %s fence %s is %s %s', j.slot, j.fence, j.state, CASE
    WHEN j.revealed_at IS NULL THEN 'without a result' ELSE 'beside a newer result' END) AS detail
FROM jobs j
WHERE (j.state IN ('accepted', 'paid') OR EXISTS (SELECT 1 FROM settlement_lines l WHERE l.job_id = j.id))
  AND (j.revealed_at IS NULL OR EXISTS (SELECT 1 FROM jobs n WHERE n.task_id = j.task_id AND n.slot = j.slot
                                        AND n.fence > j.fence AND n.revealed_at IS NOT NULL))
UNION ALL
SELECT 7, j.id::text, format('job %s of a task that is %s', j.state, t.state)
FROM jobs j JOIN tasks t ON t.id = j.task_id
WHERE (j.state = 'paid') <> (EXISTS (SELECT 1 FROM settlement_lines l WHERE l.job_id = j.id))
   OR (j.state = 'paid' AND t.state <> 'paid')
UNION ALL
SELECT 7, j.id::text, 'the result does not open its commitment'
FROM jobs j JOIN nodes n ON n.id = j.node_id
WHERE j.revealed_at IS NOT NULL AND (j.commitment IS DISTINCT FROM hash_tagged('computefi/result/1', ARRAY[uuid_send(j.task_id),
          int8send(j.slot), int8send(j.fence), n.node_key, j.result_salt, j.result_digest])
      OR (j.result IS NOT NULL AND sha256(j.result) <> j.result_digest)
      OR (j.result IS NULL) = (j.result_blob_id IS NULL))
UNION ALL
SELECT 7, j.id::text, format('committed at %s, lease until %s', j.committed_at, j.lease_until)
FROM jobs j WHERE j.committed_at > j.lease_until OR j.committed_at < j.awarded_at OR j.revealed_at < j.committed_at;

-- invariant: 8 sql: working states have exactly their live slots, others none
SELECT 8 AS invariant, t.id::text AS subject, format('%s with slots %s', t.state, coalesce(s.states, 'none')) AS detail
FROM tasks t
CROSS JOIN LATERAL (
    SELECT string_agg(j.slot || ':' || j.state, ' ' ORDER BY j.slot) AS states, count(*) AS live, count(DISTINCT j.slot) AS slots,
           coalesce(bool_and(j.state IN ('checked', 'accepted')), true) AS done,
           coalesce(bool_and(j.state = 'accepted'), true) AS accepted
    FROM jobs j WHERE j.task_id = t.id AND j.state IN ('assigned', 'committed', 'revealed', 'checked', 'accepted')) s
CROSS JOIN LATERAL (
    -- slots of the current round: each has a live job, or one that was declined a moment ago
    SELECT count(DISTINCT j.slot) AS awarded,
           count(DISTINCT j.slot) FILTER (WHERE j.state = 'declined' AND NOT EXISTS (SELECT 1 FROM jobs n
               WHERE n.task_id = j.task_id AND n.slot = j.slot AND n.fence > j.fence)) AS declined
    FROM jobs j WHERE j.task_id = t.id AND j.round = t.round) a
WHERE s.live <> s.slots OR s.live > t.replicas OR CASE
    WHEN t.state = 'assigned' THEN a.awarded = 0 OR s.live + a.declined <> a.awarded
    WHEN t.state IN ('submitted', 'verifying') THEN NOT s.done OR s.live = 0 OR s.live <> a.awarded
    WHEN t.state = 'accepted' THEN NOT s.accepted OR s.live = 0 OR s.live <> a.awarded
    ELSE s.live > 0 END;

-- invariant: 9 sql: opened bids match their commitments, both inside their windows
SELECT 9 AS invariant, b.id::text AS subject, format('bid at %s, opened at %s; bidding until %s, opening until %s', b.at,
                                                     b.opened_at, t.closes_at, t.opens_until) AS detail
FROM bids b JOIN tasks t ON t.id = b.task_id
WHERE b.round > t.round OR b.at < t.created_at OR b.opened_at < b.at
   OR (b.round = t.round AND (b.at >= t.closes_at
       OR (t.sealing = 'sealed' AND (b.opened_at < t.closes_at OR b.opened_at >= t.opens_until))
       OR (t.sealing = 'operator' AND b.opened_at IS DISTINCT FROM b.at)))
UNION ALL
SELECT 9, b.id::text, 'the opening does not match the commitment'
FROM bids b
WHERE b.opened_at IS NOT NULL AND coalesce(current_setting('computefi.market_id', true), '') <> ''
  AND b.commitment <> hash_tagged('computefi/bid/1', ARRAY[convert_to(current_setting('computefi.market_id', true), 'UTF8'),
      uuid_send(b.task_id), uuid_send(b.entity_id), uuid_send(b.node_id), int8send(b.price_gwei), b.salt])
UNION ALL
SELECT 9, b.id::text, format('revision %s of %s', b.revision, count(*) OVER (PARTITION BY b.task_id, b.entity_id, b.round))
FROM bids b WHERE b.revision > 1 AND NOT EXISTS (SELECT 1 FROM bids p WHERE p.task_id = b.task_id AND p.entity_id = b.entity_id
                                                 AND p.round = b.round AND p.revision = b.revision - 1)
UNION ALL
SELECT 9, b.id::text, format('a superseded revision is %s', b.verdict)
FROM bids b WHERE b.verdict IN ('won', 'lost', 'skipped', 'refused', 'unopened')
  AND EXISTS (SELECT 1 FROM bids n WHERE n.task_id = b.task_id AND n.entity_id = b.entity_id AND n.round = b.round
              AND n.revision > b.revision)
UNION ALL
SELECT 9, b.id::text, format('the bid of a job is %s', coalesce(b.verdict, 'not judged'))
FROM bids b WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.bid_id = b.id) AND (b.verdict IS DISTINCT FROM 'won' OR b.opened_at IS NULL);

-- invariant: 11 sql: votes open their commitments inside their windows, no seat has a conflict of interest
SELECT 11 AS invariant, s.id::text AS subject, 'the vote does not open its commitment' AS detail
FROM seats s JOIN rungs r ON r.id = s.rung_id JOIN nodes n ON n.id = s.node_id
WHERE s.revealed_at IS NOT NULL AND (s.vote IS NULL OR s.commitment IS DISTINCT FROM hash_tagged('computefi/vote/1',
    ARRAY[uuid_send(s.task_id), int8send(r.slot), int8send(r.fence), int8send(r.rung), uuid_send(s.id), int8send(s.vote::int),
          n.node_key, s.salt]))
UNION ALL
SELECT 11, s.id::text, format('committed at %s of %s, revealed at %s of %s to %s', s.committed_at, s.commit_until, s.revealed_at,
                              r.reveal_from, r.reveal_until)
FROM seats s JOIN rungs r ON r.id = s.rung_id
WHERE s.committed_at > s.commit_until OR (s.revealed_at IS NOT NULL AND (r.reveal_from IS NULL OR s.committed_at IS NULL
      OR s.revealed_at < r.reveal_from OR s.revealed_at > r.reveal_until))
UNION ALL
SELECT 11, s.id::text, 'a seat of the requester, of a bidder, or of their owner'
FROM seats s JOIN entities e ON e.id = s.entity_id
WHERE EXISTS (SELECT 1 FROM entities x WHERE coalesce(x.owner_id, x.id) = coalesce(e.owner_id, e.id)
              AND (x.id = (SELECT t.entity_id FROM tasks t WHERE t.id = s.task_id)
                   OR x.id IN (SELECT b.entity_id FROM bids b WHERE b.task_id = s.task_id)))
UNION ALL
SELECT 11, s.id::text, 'the seat is not of the snapshot, or its node is not its own'
FROM seats s JOIN rungs r ON r.id = s.rung_id JOIN nodes n ON n.id = s.node_id
WHERE n.entity_id <> s.entity_id OR r.task_id <> s.task_id OR (s.replaces_id IS NULL AND NOT EXISTS (
    SELECT 1 FROM jsonb_to_recordset(r.snapshot) AS x(entity uuid, units bigint) WHERE x.entity = s.entity_id AND x.units > 0))
UNION ALL
SELECT 11, r.id::text, format('%s seats drawn, %s seated', r.seat_count, sum(s.weight))
FROM rungs r JOIN seats s ON s.rung_id = r.id AND s.replaces_id IS NULL
GROUP BY r.id, r.seat_count HAVING sum(s.weight) <> r.seat_count;

-- invariant: 12 sql: paid needs the quorum of the last rung, or the mark unwitnessed on checked work
SELECT 12 AS invariant, j.id::text AS subject, format('paid; last rung %s with %s of %s, unwitnessed %s, check %s',
    coalesce(r.outcome, 'missing'), r.yes_weight, r.quorum, t.unwitnessed, coalesce(j.check_verdict, 'none')) AS detail
FROM jobs j JOIN tasks t ON t.id = j.task_id JOIN policies p ON p.id = t.policy_id
LEFT JOIN LATERAL (SELECT * FROM rungs x WHERE x.job_id = j.id ORDER BY x.rung DESC LIMIT 1) r ON true
WHERE j.state IN ('accepted', 'paid') AND t.state IN ('accepted', 'paid')
  AND NOT (r.outcome IS NOT DISTINCT FROM 'accept' AND coalesce(r.yes_weight, 0) >= r.quorum)
  AND NOT (t.unwitnessed AND (NOT p.committee OR (p.mechanical_check AND j.check_verdict IS NOT DISTINCT FROM 'accept')))
UNION ALL
SELECT 12, r.id::text, format('tallied %s yes and %s no, votes say %s and %s', r.yes_weight, r.no_weight, v.yes, v.no)
FROM rungs r CROSS JOIN LATERAL (
    SELECT coalesce(sum(s.weight) FILTER (WHERE s.vote), 0) AS yes, coalesce(sum(s.weight) FILTER (WHERE NOT s.vote), 0) AS no
    FROM seats s WHERE s.rung_id = r.id AND s.state = 'revealed') v
WHERE r.yes_weight IS NOT NULL AND (r.yes_weight <> v.yes OR r.no_weight <> v.no)
UNION ALL
SELECT 12, j.id::text, 'a result its checker rejected was accepted'
FROM jobs j JOIN tasks t ON t.id = j.task_id JOIN policies p ON p.id = t.policy_id
WHERE p.mechanical_check AND j.check_verdict = 'reject' AND j.state IN ('checked', 'accepted', 'paid');

-- invariant: 13 sql: open bonds and held bid locks equal the bond accounts, stake history equals reserve and bonds
SELECT 13 AS invariant, coalesce(a.owner, h.entity_id)::text AS subject, format('bond account %s, open bonds and locks %s',
    coalesce(a.balance_gwei, 0), coalesce(h.gwei, 0)) AS detail
FROM (SELECT x.owner, x.balance_gwei FROM ledger_accounts x WHERE x.kind = 'bond') a
FULL JOIN (SELECT x.entity_id, sum(x.gwei) AS gwei FROM (
               SELECT b.entity_id, b.amount_gwei::numeric AS gwei FROM bonds b WHERE b.closed_at IS NULL
               UNION ALL SELECT b.entity_id, b.lock_gwei FROM bids b WHERE b.lock_state = 'held') x
           GROUP BY x.entity_id) h ON h.entity_id = a.owner
WHERE coalesce(a.balance_gwei, 0) <> coalesce(h.gwei, 0)
UNION ALL
SELECT 13, e.id::text, format('stake history ends at %s, reserve and bonds are %s', coalesce(h.total_gwei, 0), s.gwei)
FROM entities e
CROSS JOIN LATERAL (SELECT coalesce(sum(a.balance_gwei), 0) AS gwei FROM ledger_accounts a
                    WHERE a.owner = e.id AND a.kind IN ('reserve', 'bond')) s
LEFT JOIN LATERAL (SELECT x.total_gwei FROM stake_history x WHERE x.entity_id = e.id ORDER BY x.at DESC LIMIT 1) h ON true
WHERE coalesce(h.total_gwei, 0) <> s.gwei
UNION ALL
SELECT 13, b.id::text, format('a %s bond is open, its task is %s', b.purpose, t.state)
FROM bonds b JOIN tasks t ON t.id = b.task_id WHERE b.closed_at IS NULL AND t.finished_at IS NOT NULL
UNION ALL
SELECT 13, b.id::text, format('a bid lock is held, its task is %s', t.state)
FROM bids b JOIN tasks t ON t.id = b.task_id WHERE b.lock_state = 'held' AND t.finished_at IS NOT NULL
UNION ALL
SELECT 13, j.id::text, format('a live job with a bond of %s', coalesce(b.amount_gwei, 0))
FROM jobs j LEFT JOIN bonds b ON b.purpose = 'award' AND b.subject_id = j.id AND b.closed_at IS NULL AND b.entity_id = j.entity_id
WHERE j.state IN ('assigned', 'committed', 'revealed', 'checked', 'accepted') AND coalesce(b.amount_gwei, 0) <> j.bond_gwei;

-- invariant: 14 sql: a slash has evidence, is no larger than its bond, and moved what it says
SELECT 14 AS invariant, s.id::text AS subject, format('slash of %s on a bond of %s, evidence %s', s.amount_gwei, b.amount_gwei,
                                                      s.evidence) AS detail
FROM slashes s LEFT JOIN bonds b ON b.id = s.bond_id LEFT JOIN bids l ON l.id = s.bid_id
WHERE s.evidence = '{}'::jsonb OR jsonb_typeof(s.evidence) <> 'object' OR s.amount_gwei > coalesce(b.amount_gwei, l.lock_gwei, 0)
   OR s.entity_id <> coalesce(b.entity_id, l.entity_id) OR s.task_id <> coalesce(b.task_id, l.task_id)
   OR (l.id IS NOT NULL AND l.lock_state <> 'slashed')
UNION ALL
SELECT 14, b.id::text, format('bond slashed by %s, slashes say %s', b.slashed_gwei, coalesce(sum(s.amount_gwei), 0))
FROM bonds b LEFT JOIN slashes s ON s.bond_id = b.id GROUP BY b.id, b.slashed_gwei HAVING b.slashed_gwei <> coalesce(sum(s.amount_gwei), 0)
UNION ALL
SELECT 14, b.id::text, format('bid lock of %s slashed, slashes say %s', b.lock_gwei, coalesce(sum(s.amount_gwei), 0))
FROM bids b LEFT JOIN slashes s ON s.bid_id = b.id WHERE b.lock_state = 'slashed'
GROUP BY b.id, b.lock_gwei HAVING b.lock_gwei <> coalesce(sum(s.amount_gwei), 0)
UNION ALL
SELECT 14, s.id::text, format('slash of %s, its transfer took %s', s.amount_gwei, coalesce(-sum(e.amount_gwei), 0))
FROM slashes s
LEFT JOIN ledger_accounts a ON a.owner = s.entity_id AND a.kind IN ('bond', 'unbonding')
LEFT JOIN entries e ON e.transfer_id = s.transfer_id AND e.account_id = a.id
GROUP BY s.id, s.amount_gwei HAVING s.amount_gwei <> coalesce(-sum(e.amount_gwei), 0);

-- invariant: 15 sql: the event chain of a task is contiguous and legal, its last state is the task's
SELECT 15 AS invariant, t.id::text AS subject, format('version %s, %s transitions up to %s, state %s after %s', t.version, e.n,
                                                      e.last, t.state, e.state) AS detail
FROM tasks t CROSS JOIN LATERAL (
    SELECT count(*) AS n, coalesce(max(x.seq), 0) AS last, (array_agg(x.to_state ORDER BY x.seq DESC))[1] AS state
    FROM events x WHERE x.task_id = t.id AND x.seq IS NOT NULL) e
WHERE e.n <> e.last OR e.last <> t.version OR e.state IS DISTINCT FROM t.state
UNION ALL
SELECT 15, e.task_id::text, format('seq %s goes from %s to %s after %s', e.seq, coalesce(e.from_state, 'nothing'), e.to_state,
                                   coalesce(e.before, 'nothing'))
FROM (SELECT x.*, lag(x.to_state) OVER w AS before, lag(x.at) OVER w AS earlier FROM events x WHERE x.seq IS NOT NULL
      WINDOW w AS (PARTITION BY x.task_id ORDER BY x.seq)) e
WHERE e.from_state IS DISTINCT FROM e.before OR e.at < e.earlier
   OR (e.seq = 1) <> (e.from_state IS NULL) OR (e.seq = 1 AND e.to_state <> 'open')
   OR (e.seq > 1 AND (e.from_state, e.to_state) NOT IN (
       ('open', 'open'), ('open', 'opening'), ('open', 'assigned'), ('open', 'cancelled'), ('open', 'expired'), ('open', 'refunded'),
       ('opening', 'open'), ('opening', 'assigned'), ('opening', 'cancelled'), ('opening', 'expired'), ('opening', 'refunded'),
       ('assigned', 'assigned'), ('assigned', 'submitted'), ('assigned', 'open'), ('assigned', 'refunded'),
       ('submitted', 'verifying'), ('submitted', 'accepted'), ('submitted', 'refunded'),
       ('verifying', 'verifying'), ('verifying', 'accepted'), ('verifying', 'assigned'), ('verifying', 'open'),
       ('verifying', 'refunded'), ('accepted', 'verifying'), ('accepted', 'paid')))
UNION ALL
SELECT 15, e.id::text, format('a note of kind %s has states', e.kind)
FROM events e WHERE e.seq IS NULL AND (e.from_state IS NOT NULL OR e.to_state IS NOT NULL);

-- invariant: 20 sql: stake leaves only after its delay
SELECT 20 AS invariant, u.id::text AS subject, format('due at %s, released at %s', u.due_at, u.released_at) AS detail
FROM unbondings u WHERE u.released_at < u.due_at OR u.due_at < u.requested_at
UNION ALL
SELECT 20, coalesce(a.owner, u.entity_id)::text, format('unbonding account %s, unbondings say %s', coalesce(a.balance_gwei, 0),
                                                        coalesce(u.gwei, 0))
FROM (SELECT x.owner, x.balance_gwei FROM ledger_accounts x WHERE x.kind = 'unbonding') a
FULL JOIN (SELECT x.entity_id, sum(x.amount_gwei - x.slashed_gwei) AS gwei FROM unbondings x
           WHERE x.released_at IS NULL AND x.node_id IS NULL GROUP BY x.entity_id) u ON u.entity_id = a.owner
WHERE coalesce(a.balance_gwei, 0) <> coalesce(u.gwei, 0)
UNION ALL
SELECT 20, u.id::text, 'stake was released without its transfer, or the other way round'
FROM unbondings u LEFT JOIN transfers t ON t.key = 'unbond:' || u.id
WHERE u.node_id IS NULL AND ((t.id IS NOT NULL) <> (u.released_at IS NOT NULL AND u.slashed_gwei < u.amount_gwei) OR t.at < u.due_at)
UNION ALL
SELECT 20, coalesce(p.node_id, u.node_id)::text, format('pledge releasing %s, unbondings say %s', coalesce(p.releasing_gwei, 0),
                                                        coalesce(u.gwei, 0))
FROM pledges p
FULL JOIN (SELECT x.node_id, sum(x.amount_gwei - x.slashed_gwei) AS gwei FROM unbondings x WHERE x.released_at IS NULL AND x.node_id IS NOT NULL
           GROUP BY x.node_id) u ON u.node_id = p.node_id
WHERE coalesce(p.releasing_gwei, 0) <> coalesce(u.gwei, 0);

-- invariant: 21 timed: nothing live outlives its deadline and grace
SELECT 21 AS invariant, x.subject::text AS subject, format('%s was due at %s', x.what, x.due_at) AS detail
FROM (SELECT t.id AS subject, 'a task that is ' || t.state AS what,
             greatest(t.settle_by, t.accepted_at + p.challenge_ms * interval '1 ms', t.opens_until,
                      (SELECT max(r.reveal_until) FROM rungs r WHERE r.task_id = t.id)) AS due_at
      FROM tasks t JOIN policies p ON p.id = t.policy_id WHERE t.finished_at IS NULL
      UNION ALL SELECT j.id, 'a lease', greatest(j.lease_until, j.awarded_at) FROM jobs j WHERE j.state = 'assigned'
      UNION ALL SELECT s.id, 'a seat that has not committed', s.commit_until FROM seats s WHERE s.state = 'seated'
      UNION ALL SELECT r.id, 'a tally', r.reveal_until FROM rungs r JOIN tasks t ON t.id = r.task_id
                WHERE r.outcome IS NULL AND t.finished_at IS NULL
      UNION ALL SELECT u.id, 'an unbonding', u.due_at FROM unbondings u WHERE u.released_at IS NULL
      UNION ALL SELECT w.subject_id, 'work of ' || w.job, w.due_at FROM work w) x
WHERE x.due_at < clock_timestamp()
    - coalesce(nullif(current_setting('computefi.grace_ms', true), ''), '60000')::bigint * interval '1 ms';
