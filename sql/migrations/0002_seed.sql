-- SPDX-License-Identifier: Apache-2.0
-- What every market starts with: the system entity, the policies, the units.

-- Owner of the system's accounts. It has no key, so nobody can act for it.
INSERT INTO entities (id, name, created_at) VALUES ('00000000-0000-0000-0000-000000000000', 'system', clock_timestamp());

-- Version 1 of each policy; a change is a new version. Numbers of `default`: the design's rules for a market of strangers.
INSERT INTO policies (id, name, version, preset, sealing, bidding_ms, bidding_min_ms, opening_ms, bid_lock_ppm, bond_ppm,
    reserve_cap_gwei, rank_weight_ppm, rank_weight_max_ppm, reserve_age_ms, min_pledge_gwei, heartbeat_ms, max_attempts, max_winners,
    lease_ms, no_show_ppm, wrong_ppm, mechanical_check, committee, rung_seats, rung_quorums, commit_ms, reveal_ms, seat_fee_ppm,
    seat_lock_fees, absent_fees, unrevealed_fees, contradicted_fees, overturned_fees, min_committee_entities, challenge_ms, fee_ppm,
    verifier_share_ppm, cancel_fee_ppm, unbonding_ms, pledge_release_ms)
VALUES ('019aaf00-0000-7000-8000-000000000001', 'default', 1, 'default', 'sealed', 30000, 2000, 5000, 50000, 500000,
    100000000000000, 100000, 500000, 86400000, 100000000000, 15000, 3, 16,
    300000, 1000000, 1000000, true, true, '{5,15,31,101}', '{5,11,21,68}', 60000, 30000, 10000,
    100, 2, 50, 20, 50, 3, 600000, 50000,
    0, 10000, 1814400000, 604800000);

-- The default rules at the speed of a development machine, without ageing and challenge window.
INSERT INTO policies
    SELECT p.* FROM policies d, jsonb_populate_record(d, '{"id":"019aaf00-0000-7000-8000-000000000002", "name":"development",
        "bidding_ms":2000, "bidding_min_ms":500, "opening_ms":1000, "reserve_age_ms":0, "min_pledge_gwei":1000000000,
        "heartbeat_ms":3000, "lease_ms":60000, "commit_ms":5000, "reveal_ms":4000, "challenge_ms":0,
        "unbonding_ms":10000, "pledge_release_ms":5000}') p
    WHERE d.name = 'default';

-- The same without the coordinator's own check, so that committees decide and climb the ladder.
INSERT INTO policies
    SELECT p.* FROM policies d, jsonb_populate_record(d, '{"id":"019aaf00-0000-7000-8000-000000000003",
        "name":"development-ladder", "mechanical_check":false}') p
    WHERE d.name = 'development';

-- Sealed bids traded for speed: openings come with the bid and the coordinator is trusted with them.
INSERT INTO policies
    SELECT p.* FROM policies d, jsonb_populate_record(d, '{"id":"019aaf00-0000-7000-8000-000000000004",
        "name":"development-fast", "sealing":"operator"}') p
    WHERE d.name = 'development';

-- Cysic's production rules: price only, the lowest winning bid pays all, 20 verifiers with quorum 12, shares 80/20 of the price.
INSERT INTO policies
    SELECT p.* FROM policies d, jsonb_populate_record(d, '{"id":"019aaf00-0000-7000-8000-000000000005",
        "name":"cysic-production", "preset":"cysic-production", "sealing":"operator", "bond_ppm":1000000, "rank_weight_ppm":0,
        "rank_weight_max_ppm":0, "max_winners":3, "mechanical_check":false, "rung_seats":[20], "rung_quorums":[12],
        "seat_fee_ppm":0, "fee_ppm":0, "verifier_share_ppm":200000}') p
    WHERE d.name = 'default';

-- One compute unit is one second of one core of the reference machine (AMD EPYC, AVX-512, SHA-NI; 2 vCPU, Debian 12).
INSERT INTO units (unit, version, kind, cu_per_unit_ppb, source) VALUES
    ('constraints', 1, 'zk.groth16', 153000,
     'snarkjs 0.7.6, warm process: 0.52 s for 3,408 constraints (Poseidon x16) = 153 us each; reference machine, 2026-11'),
    ('hashes', 1, 'mining.sha256d', 137,
     'pow_sha256d of server/crypto, one core: 137 ns for an 80-byte header; reference machine, 2026-11'),
    ('hashes', 1, 'mining.scrypt', 351000,
     'pow_scrypt (1024,1,1) of server/crypto, one core: 351 us for an 80-byte header; reference machine, 2026-11');
