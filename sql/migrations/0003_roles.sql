-- SPDX-License-Identifier: Apache-2.0
-- The role of the server and the workers. It can append to the books, never change them; it owns nothing and alters nothing.

DO $$ BEGIN
    CREATE ROLE computefi_app LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- a role belongs to the whole cluster
          WHEN insufficient_privilege THEN
              RAISE NOTICE 'computefi_app was not created: let an administrator create it, then run the grants of 0003_roles.sql';
END $$;

DO $$
DECLARE
    t text;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'computefi_app') THEN
        RETURN;
    END IF;
    GRANT USAGE ON SCHEMA public TO computefi_app;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO computefi_app;
    -- facts: written once
    FOREACH t IN ARRAY ARRAY['entries', 'transfers', 'events', 'settlements', 'settlement_lines', 'slashes', 'policies',
                             'stake_history', 'dead_letters'] LOOP
        EXECUTE format('GRANT INSERT ON %I TO computefi_app', t);
    END LOOP;
    -- things with a state
    FOREACH t IN ARRAY ARRAY['api_keys', 'ledger_accounts', 'unbondings', 'nodes', 'pledges', 'blobs', 'tasks', 'bids',
                             'jobs', 'bonds', 'rungs', 'seats', 'challenges'] LOOP
        EXECUTE format('GRANT INSERT, UPDATE ON %I TO computefi_app', t);
    END LOOP;
    -- who is an operator is not for the server to say
    GRANT INSERT (id, name, owner_id, created_at) ON entities TO computefi_app;
    GRANT UPDATE (name, suspended_at) ON entities TO computefi_app;
    GRANT UPDATE (requeued_at) ON dead_letters TO computefi_app;
    -- queues, parts of blobs, expired idempotency keys
    FOREACH t IN ARRAY ARRAY['work', 'blob_parts', 'idempotency'] LOOP
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO computefi_app', t);
    END LOOP;
END $$;
