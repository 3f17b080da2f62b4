-- SPDX-License-Identifier: Apache-2.0
-- The market: entities, money, stake, nodes, tasks, bids, jobs, committees, settlements, background work.
-- Amounts are gwei (BIGINT, 0..10^18). Ids are UUIDv7 made by the program. All times are the database's clock.

CREATE DOMAIN gwei AS bigint CHECK (VALUE BETWEEN 0 AND 1000000000000000000);
CREATE DOMAIN hash32 AS bytea CHECK (octet_length(VALUE) = 32);

-- ---------------------------------------------------------------- policies
CREATE TABLE policies (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    version int NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    preset text NOT NULL CHECK (preset IN ('default', 'cysic-production')),
    -- auction
    sealing text NOT NULL CHECK (sealing IN ('sealed', 'operator')),
    bidding_ms bigint NOT NULL CHECK (bidding_ms BETWEEN 100 AND 86400000),          -- default window of a task
    bidding_min_ms bigint NOT NULL CHECK (bidding_min_ms BETWEEN 100 AND 86400000),
    opening_ms bigint NOT NULL CHECK (opening_ms BETWEEN 0 AND 600000),
    bid_lock_ppm int NOT NULL CHECK (bid_lock_ppm BETWEEN 0 AND 1000000),            -- of max_price, from the reserve
    bond_ppm int NOT NULL CHECK (bond_ppm BETWEEN 0 AND 10000000),                   -- of max_price, at the award
    reserve_cap_gwei gwei NOT NULL CHECK (reserve_cap_gwei > 0),
    rank_weight_ppm int NOT NULL CHECK (rank_weight_ppm BETWEEN 0 AND 500000),       -- default weight of the reserve
    rank_weight_max_ppm int NOT NULL CHECK (rank_weight_max_ppm BETWEEN 0 AND 500000),
    reserve_age_ms bigint NOT NULL CHECK (reserve_age_ms >= 0),
    min_pledge_gwei gwei NOT NULL,
    heartbeat_ms bigint NOT NULL CHECK (heartbeat_ms >= 100),                        -- expected interval; 3 missed: offline
    max_attempts int NOT NULL CHECK (max_attempts BETWEEN 1 AND 10),                 -- fences per slot and round
    max_winners int NOT NULL CHECK (max_winners BETWEEN 1 AND 16),
    -- execution
    lease_ms bigint NOT NULL CHECK (lease_ms BETWEEN 100 AND 86400000),              -- default
    no_show_ppm int NOT NULL CHECK (no_show_ppm BETWEEN 0 AND 1000000),              -- share of the bond a missed lease costs
    wrong_ppm int NOT NULL CHECK (wrong_ppm BETWEEN 0 AND 1000000),
    mechanical_check boolean NOT NULL,                                               -- the coordinator checks checkable kinds itself
    -- verification
    committee boolean NOT NULL,
    rung_seats int[] NOT NULL CHECK (cardinality(rung_seats) BETWEEN 1 AND 8),
    rung_quorums int[] NOT NULL CHECK (cardinality(rung_quorums) = cardinality(rung_seats)),
    commit_ms bigint NOT NULL CHECK (commit_ms BETWEEN 100 AND 86400000),
    reveal_ms bigint NOT NULL CHECK (reveal_ms BETWEEN 100 AND 86400000),
    seat_fee_ppm int NOT NULL CHECK (seat_fee_ppm BETWEEN 0 AND 1000000),            -- default seat fee, of max_price
    seat_lock_fees int NOT NULL CHECK (seat_lock_fees BETWEEN 0 AND 1000),           -- 100
    absent_fees int NOT NULL CHECK (absent_fees BETWEEN 0 AND 1000),                 -- 2: not committed
    unrevealed_fees int NOT NULL CHECK (unrevealed_fees BETWEEN 0 AND 1000),         -- 50: committed, not revealed
    contradicted_fees int NOT NULL CHECK (contradicted_fees BETWEEN 0 AND 1000),     -- 20: against the mechanical check
    overturned_fees int NOT NULL CHECK (overturned_fees BETWEEN 0 AND 1000),         -- 50
    min_committee_entities int NOT NULL CHECK (min_committee_entities BETWEEN 1 AND 100),
    challenge_ms bigint NOT NULL CHECK (challenge_ms BETWEEN 0 AND 86400000),
    -- settlement
    fee_ppm int NOT NULL CHECK (fee_ppm BETWEEN 0 AND 500000),
    verifier_share_ppm int NOT NULL CHECK (verifier_share_ppm BETWEEN 0 AND 1000000), -- cysic-production: 200000 of the price, no seat fees
    cancel_fee_ppm int NOT NULL CHECK (cancel_fee_ppm BETWEEN 0 AND 1000000),         -- of max_price, once there are bids
    unbonding_ms bigint NOT NULL CHECK (unbonding_ms >= 0),
    pledge_release_ms bigint NOT NULL CHECK (pledge_release_ms >= 0),
    CONSTRAINT policies_version UNIQUE (name, version)
);

-- ---------------------------------------------------------------- entities and keys
CREATE TABLE entities (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$'),
    owner_id uuid REFERENCES entities,          -- beneficial owner; conflicts of interest are judged by it
    is_operator boolean NOT NULL DEFAULT false,
    suspended_at timestamptz,
    created_at timestamptz NOT NULL
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    entity_id uuid NOT NULL REFERENCES entities,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    secret_hash hash32 NOT NULL,
    scopes int NOT NULL CHECK (scopes > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_by_entity ON api_keys (entity_id, id);

-- The immutable outcome of a keyed write; show renders a replay from it.
CREATE TABLE idempotency (
    entity_id uuid NOT NULL,
    operation text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    body_hash hash32 NOT NULL,
    id uuid,
    at timestamptz NOT NULL,
    detail text,
    CONSTRAINT idempotency_key PRIMARY KEY (entity_id, operation, key)
);
CREATE INDEX idempotency_by_age ON idempotency USING brin (at);

-- ---------------------------------------------------------------- ledger
-- Owner is an entity, or the nil uuid for the system; ref is the task of an escrow, the shard (0..15) of a system account.
CREATE TABLE ledger_accounts (
    id uuid PRIMARY KEY,                        -- ledger_id(owner, kind, ref)
    owner uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    ref uuid NOT NULL,
    asset text NOT NULL GENERATED ALWAYS AS
        (CASE WHEN kind IN ('reserve', 'bond', 'unbonding', 'issued') THEN 'CGT' ELSE 'CYS' END) STORED,
    balance_gwei bigint NOT NULL DEFAULT 0,
    CONSTRAINT ledger_accounts_kind CHECK (kind IN
        ('available', 'escrow', 'reserve', 'bond', 'unbonding', 'treasury', 'burn', 'staked', 'issued', 'external')),
    CONSTRAINT ledger_accounts_balance CHECK (
        CASE WHEN kind IN ('issued', 'external') THEN balance_gwei BETWEEN -1000000000000000000 AND 0
             ELSE balance_gwei BETWEEN 0 AND 1000000000000000000 END),
    CONSTRAINT ledger_accounts_natural UNIQUE (owner, kind, ref)
) WITH (fillfactor = 50);

CREATE TABLE transfers (
    id uuid PRIMARY KEY,
    key text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 40),
    task_id uuid,
    at timestamptz NOT NULL,
    CONSTRAINT transfers_key UNIQUE (key)
);
CREATE INDEX transfers_by_task ON transfers (task_id) WHERE task_id IS NOT NULL;

CREATE TABLE entries (
    transfer_id uuid NOT NULL,
    line int NOT NULL CHECK (line > 0),
    account_id uuid NOT NULL,
    amount_gwei bigint NOT NULL CHECK (amount_gwei <> 0 AND amount_gwei BETWEEN -1000000000000000000 AND 1000000000000000000),
    CONSTRAINT entries_line PRIMARY KEY (transfer_id, line)
);
CREATE INDEX entries_by_account ON entries (account_id, transfer_id);

-- What an entity had staked (reserve + bonds) after each change; the score takes the minimum over a window.
CREATE TABLE stake_history (
    entity_id uuid NOT NULL REFERENCES entities,
    at timestamptz NOT NULL,
    transfer_id uuid NOT NULL,
    total_gwei gwei NOT NULL,
    CONSTRAINT stake_history_key PRIMARY KEY (entity_id, at, transfer_id)
);

CREATE TABLE unbondings (
    id uuid PRIMARY KEY,
    entity_id uuid NOT NULL REFERENCES entities,
    node_id uuid,                               -- NULL: stake leaving; else a node's pledge being released
    amount_gwei gwei NOT NULL CHECK (amount_gwei > 0),
    requested_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL CHECK (due_at >= requested_at),
    released_at timestamptz,
    slashed_gwei gwei NOT NULL DEFAULT 0 CHECK (slashed_gwei <= amount_gwei)
);
CREATE INDEX unbondings_by_entity ON unbondings (entity_id, id);

-- ---------------------------------------------------------------- nodes
CREATE TABLE nodes (
    id uuid PRIMARY KEY,
    entity_id uuid NOT NULL REFERENCES entities,
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$'),
    node_key hash32 NOT NULL CONSTRAINT nodes_key UNIQUE,
    class text NOT NULL CHECK (class ~ '^[a-z0-9-]{1,32}$'),   -- hardware class: cpu, gpu, asic, ...
    kinds text[] NOT NULL CHECK (cardinality(kinds) BETWEEN 1 AND 32),
    verifies boolean NOT NULL DEFAULT false,                  -- wants seats
    provides boolean NOT NULL DEFAULT false,                  -- wants jobs
    hardware jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    retired_at timestamptz,
    draining boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);
CREATE INDEX nodes_by_entity ON nodes (entity_id, id);

CREATE TABLE pledges (
    node_id uuid PRIMARY KEY REFERENCES nodes,
    entity_id uuid NOT NULL REFERENCES entities,
    pledged_gwei gwei NOT NULL,
    releasing_gwei gwei NOT NULL DEFAULT 0
);

-- ---------------------------------------------------------------- blobs
CREATE TABLE blobs (
    id uuid PRIMARY KEY,
    entity_id uuid NOT NULL REFERENCES entities,
    digest hash32 NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes BETWEEN 1 AND 268435456),
    state text NOT NULL CHECK (state IN ('uploading', 'checking', 'complete', 'bad')),
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    CONSTRAINT blobs_digest UNIQUE (entity_id, digest)
);
CREATE TABLE blob_parts (
    blob_id uuid NOT NULL REFERENCES blobs,
    part_index int NOT NULL CHECK (part_index BETWEEN 0 AND 255),
    data bytea NOT NULL CHECK (octet_length(data) BETWEEN 1 AND 1048576),
    CONSTRAINT blob_parts_key PRIMARY KEY (blob_id, part_index)
);
ALTER TABLE blob_parts ALTER COLUMN data SET STORAGE EXTERNAL;

-- ---------------------------------------------------------------- tasks
CREATE TABLE tasks (
    id uuid PRIMARY KEY,
    entity_id uuid NOT NULL REFERENCES entities,
    kind text NOT NULL,
    kind_version int NOT NULL,
    label text CHECK (length(label) <= 80),
    policy_id uuid NOT NULL REFERENCES policies,
    input text NOT NULL,                        -- canonical JSON
    input_hash hash32 NOT NULL,
    input_blob_id uuid REFERENCES blobs,
    class text NOT NULL,
    work_units bigint NOT NULL CHECK (work_units > 0),
    unit text NOT NULL,
    max_price_gwei gwei NOT NULL CHECK (max_price_gwei > 0),
    replicas int NOT NULL CHECK (replicas BETWEEN 1 AND 16),
    seat_fee_gwei gwei NOT NULL,
    rank_weight_ppm int NOT NULL CHECK (rank_weight_ppm BETWEEN 0 AND 500000),
    sealing text NOT NULL CHECK (sealing IN ('sealed', 'operator')),
    bidding_ms bigint NOT NULL,
    opening_ms bigint NOT NULL,
    lease_ms bigint NOT NULL,
    rounds_max int NOT NULL CHECK (rounds_max BETWEEN 1 AND 5),   -- the requester's bound on auctions
    allow uuid[],                               -- NULL: everybody
    deny uuid[] NOT NULL DEFAULT '{}',
    escrow_gwei gwei NOT NULL,                  -- what was promised; the escrow account holds what is left
    first_rung_seats int NOT NULL,
    -- life
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'opening', 'assigned', 'submitted', 'verifying', 'accepted',
        'paid', 'refunded', 'cancelled', 'expired')),
    version int NOT NULL DEFAULT 1,             -- = seq of the last event
    round int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    closes_at timestamptz NOT NULL,
    opens_until timestamptz NOT NULL,           -- end of the opening window
    deadline_at timestamptz NOT NULL,
    settle_by timestamptz NOT NULL,             -- deadline, or later once every slot was filled in time
    accepted_at timestamptz,
    finished_at timestamptz,
    cancel_requested_at timestamptz,
    unwitnessed boolean NOT NULL DEFAULT false,
    code int NOT NULL DEFAULT 0,                -- Cysic's public code
    CONSTRAINT tasks_final CHECK ((state IN ('paid', 'refunded', 'cancelled', 'expired')) = (finished_at IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX tasks_by_requester ON tasks (entity_id, id);
CREATE INDEX tasks_open ON tasks (id) WHERE state = 'open';
CREATE INDEX tasks_live ON tasks (deadline_at) WHERE finished_at IS NULL;

-- State transitions: seq 1.. contiguous per task. Other facts worth keeping have seq NULL.
CREATE TABLE events (
    id uuid PRIMARY KEY,
    task_id uuid,
    seq int CHECK (seq > 0),
    kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
    from_state text,
    to_state text,
    at timestamptz NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT events_seq UNIQUE (task_id, seq)
);
CREATE INDEX events_by_task ON events (task_id, id);

-- ---------------------------------------------------------------- bids
CREATE TABLE bids (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL,
    entity_id uuid NOT NULL,
    node_id uuid NOT NULL,
    round int NOT NULL,
    revision int NOT NULL CHECK (revision > 0),  -- the last of (task, round, entity) counts
    commitment hash32 NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    at timestamptz NOT NULL,
    reserve_gwei gwei NOT NULL,                  -- snapshot: minimum of reserve + bonds over the age window
    lock_gwei gwei NOT NULL,                     -- held on the first revision only
    lock_state text NOT NULL CHECK (lock_state IN ('held', 'released', 'slashed', 'none')),
    lock_transfer_id uuid,
    price_gwei gwei,
    salt hash32,
    opened_at timestamptz,
    verdict text CHECK (verdict IN ('won', 'lost', 'skipped', 'refused', 'unopened', 'superseded')),
    reason text,
    rank int,
    score_ppm int,
    score_reserve_ppm int,
    score_price_ppm int,
    CONSTRAINT bids_revision UNIQUE (task_id, entity_id, round, revision),
    CONSTRAINT bids_opened CHECK ((opened_at IS NULL) = (price_gwei IS NULL) AND (opened_at IS NULL) = (salt IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX bids_by_entity ON bids (entity_id, id);

-- ---------------------------------------------------------------- jobs, bonds, slashes
CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES tasks,
    slot int NOT NULL CHECK (slot BETWEEN 0 AND 15),
    fence int NOT NULL CHECK (fence > 0),        -- grows with every award of the slot
    round int NOT NULL,
    bid_id uuid NOT NULL REFERENCES bids,
    entity_id uuid NOT NULL REFERENCES entities,
    node_id uuid NOT NULL REFERENCES nodes,
    price_gwei gwei NOT NULL,
    bond_gwei gwei NOT NULL,
    -- assigned -> committed -> revealed -> checked -> accepted -> paid ; else how it ended
    state text NOT NULL CHECK (state IN ('assigned', 'committed', 'revealed', 'checked', 'accepted', 'paid',
        'declined', 'lapsed', 'wrong', 'voided')),
    awarded_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    heartbeat_at timestamptz,
    commitment hash32,
    commit_signature bytea CHECK (octet_length(commit_signature) = 64),
    committed_at timestamptz,
    result bytea CHECK (octet_length(result) <= 1048576),
    result_blob_id uuid REFERENCES blobs,
    result_digest hash32,
    result_salt hash32,
    revealed_at timestamptz,
    check_verdict text CHECK (check_verdict IN ('accept', 'reject', 'undecided')),
    check_reason text,
    ended_at timestamptz,
    CONSTRAINT jobs_fence UNIQUE (task_id, slot, fence)
) WITH (fillfactor = 70);
ALTER TABLE jobs ALTER COLUMN result SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX jobs_live_slot ON jobs (task_id, slot)
    WHERE state IN ('assigned', 'committed', 'revealed', 'checked', 'accepted');
CREATE INDEX jobs_live_node ON jobs (node_id, id) WHERE state IN ('assigned', 'committed');
CREATE INDEX jobs_by_entity ON jobs (entity_id, id);

-- Reserve locked for a promise. Sum of open bonds plus held bid locks of an entity = its bond account.
CREATE TABLE bonds (
    id uuid PRIMARY KEY,
    entity_id uuid NOT NULL REFERENCES entities,
    purpose text NOT NULL CHECK (purpose IN ('award', 'seat', 'challenge')),
    task_id uuid NOT NULL REFERENCES tasks,
    subject_id uuid NOT NULL,                    -- job, seat or challenge
    amount_gwei gwei NOT NULL,
    slashed_gwei gwei NOT NULL DEFAULT 0 CHECK (slashed_gwei <= amount_gwei),
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT bonds_subject UNIQUE (purpose, subject_id)
);
CREATE INDEX bonds_open ON bonds (entity_id) WHERE closed_at IS NULL;
CREATE INDEX bonds_by_task ON bonds (task_id);

CREATE TABLE slashes (
    id uuid PRIMARY KEY,
    entity_id uuid NOT NULL REFERENCES entities,
    task_id uuid NOT NULL REFERENCES tasks,
    bond_id uuid REFERENCES bonds,
    bid_id uuid REFERENCES bids,
    amount_gwei gwei NOT NULL CHECK (amount_gwei > 0),
    reason text NOT NULL CHECK (reason IN ('unopened', 'no_show', 'wrong_result', 'not_committed', 'not_revealed',
        'contradicted', 'overturned', 'challenge_failed')),
    evidence jsonb NOT NULL,
    transfer_id uuid NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT slashes_evidence CHECK (evidence <> '{}'::jsonb),
    CONSTRAINT slashes_source CHECK ((bond_id IS NULL) <> (bid_id IS NULL))
);
CREATE INDEX slashes_by_task ON slashes (task_id);
CREATE INDEX slashes_by_entity ON slashes (entity_id, id);

-- ---------------------------------------------------------------- committees
CREATE TABLE rungs (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES tasks,
    job_id uuid NOT NULL REFERENCES jobs,
    slot int NOT NULL,
    fence int NOT NULL,
    rung int NOT NULL CHECK (rung BETWEEN 1 AND 8),
    seat_count int NOT NULL CHECK (seat_count > 0),
    quorum int NOT NULL CHECK (quorum BETWEEN 1 AND seat_count),
    final boolean NOT NULL,                      -- no further rung can follow
    seed hash32 NOT NULL,
    snapshot jsonb NOT NULL,                     -- [{"entity":uuid,"units":n}] sorted by uuid
    snapshot_root hash32 NOT NULL,
    drawn_at timestamptz NOT NULL,
    commit_until timestamptz NOT NULL,
    reveal_until timestamptz NOT NULL,
    reveal_from timestamptz,                     -- set when all committed or the commit window is over
    advanced_gwei gwei NOT NULL DEFAULT 0,       -- seat fees the treasury paid ahead
    outcome text CHECK (outcome IN ('accept', 'escalate', 'refuse', 'inconclusive')),
    yes_weight int,
    no_weight int,
    tallied_at timestamptz,
    CONSTRAINT rungs_key UNIQUE (job_id, rung)
);
CREATE INDEX rungs_by_task ON rungs (task_id);

CREATE TABLE seats (
    id uuid PRIMARY KEY,
    rung_id uuid NOT NULL REFERENCES rungs,
    task_id uuid NOT NULL REFERENCES tasks,
    entity_id uuid NOT NULL REFERENCES entities,
    node_id uuid NOT NULL REFERENCES nodes,
    weight int NOT NULL CHECK (weight > 0),      -- how often the entity was drawn
    replaces_id uuid REFERENCES seats,
    seated_at timestamptz NOT NULL,
    commit_until timestamptz NOT NULL,
    commitment hash32,
    commit_signature bytea CHECK (octet_length(commit_signature) = 64),
    committed_at timestamptz,
    vote boolean,
    vote_reason text CHECK (length(vote_reason) <= 200),
    salt hash32,
    revealed_at timestamptz,
    state text NOT NULL DEFAULT 'seated' CHECK (state IN ('seated', 'committed', 'revealed', 'absent', 'unrevealed', 'released')),
    fee_gwei gwei NOT NULL DEFAULT 0,            -- earned at settlement
    CONSTRAINT seats_entity UNIQUE (rung_id, entity_id)
) WITH (fillfactor = 70);
CREATE INDEX seats_live_node ON seats (node_id, id) WHERE state IN ('seated', 'committed');
CREATE INDEX seats_by_task ON seats (task_id);
CREATE INDEX seats_by_entity ON seats (entity_id, id);

CREATE TABLE challenges (
    id uuid PRIMARY KEY,
    task_id uuid NOT NULL REFERENCES tasks,
    job_id uuid NOT NULL REFERENCES jobs,
    entity_id uuid NOT NULL REFERENCES entities,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    at timestamptz NOT NULL,
    outcome text CHECK (outcome IN ('upheld', 'rejected')),
    closed_at timestamptz,
    CONSTRAINT challenges_once UNIQUE (job_id)
);

-- ---------------------------------------------------------------- settlement
CREATE TABLE settlements (
    task_id uuid PRIMARY KEY REFERENCES tasks,
    outcome text NOT NULL CHECK (outcome IN ('paid', 'refunded', 'cancelled', 'expired')),
    reason text NOT NULL,
    escrow_gwei gwei NOT NULL,
    provider_gwei gwei NOT NULL,                 -- net to providers
    fee_gwei gwei NOT NULL,
    verifier_gwei gwei NOT NULL,
    refund_gwei gwei NOT NULL,
    transfer_id uuid NOT NULL,
    at timestamptz NOT NULL,
    CONSTRAINT settlements_split CHECK (escrow_gwei = provider_gwei + fee_gwei + verifier_gwei + refund_gwei)
);
CREATE TABLE settlement_lines (
    task_id uuid NOT NULL REFERENCES settlements,
    line int NOT NULL,
    entity_id uuid NOT NULL,                     -- nil uuid: the system
    account_kind text NOT NULL,
    amount_gwei gwei NOT NULL,
    job_id uuid,
    seat_id uuid,
    rule text NOT NULL,                          -- which rule produced it, in words and numbers
    CONSTRAINT settlement_lines_key PRIMARY KEY (task_id, line)
);
CREATE INDEX settlement_lines_by_entity ON settlement_lines (entity_id, task_id);

-- Work units normalised to one compute unit; every factor says where it comes from.
CREATE TABLE units (
    unit text NOT NULL,
    version int NOT NULL,
    kind text NOT NULL,
    cu_per_unit_ppb bigint NOT NULL CHECK (cu_per_unit_ppb > 0), -- compute units per native unit, parts per 10^9
    source text NOT NULL,
    CONSTRAINT units_key PRIMARY KEY (kind, version)
);

-- ---------------------------------------------------------------- background work
-- Every piece of background work and every timer is one row: subject needs job at due_at.
CREATE TABLE work (
    id uuid PRIMARY KEY,
    job text NOT NULL CHECK (job ~ '^[a-z]{1,20}$'),
    subject_id uuid NOT NULL,
    version bigint NOT NULL DEFAULT 1,           -- grows whenever the row is asked for again
    due_at timestamptz NOT NULL,
    published_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT work_subject UNIQUE (job, subject_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX work_due ON work (due_at);

CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    job text NOT NULL,
    subject_id uuid NOT NULL,
    deliveries int NOT NULL,
    error text NOT NULL,
    at timestamptz NOT NULL,
    requeued_at timestamptz
);

-- ---------------------------------------------------------------- what nobody may change
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is not allowed', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER transfers_immutable BEFORE UPDATE OR DELETE ON transfers FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entries_immutable BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_immutable BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER settlements_immutable BEFORE UPDATE OR DELETE ON settlements FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER settlement_lines_immutable BEFORE UPDATE OR DELETE ON settlement_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER slashes_immutable BEFORE UPDATE OR DELETE ON slashes FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policies_immutable BEFORE UPDATE OR DELETE ON policies FOR EACH ROW EXECUTE FUNCTION refuse_change();
