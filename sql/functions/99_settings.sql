-- SPDX-License-Identifier: Apache-2.0
-- Batches look rows up by key, whatever the statistics of a young table say, and never compile: the same plans for every
-- write, on the first day and later.
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS name FROM pg_proc p
             WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype = 'outcome'::regtype AND p.proretset LOOP
        EXECUTE format('ALTER FUNCTION %s SET jit = off SET enable_seqscan = off SET enable_hashjoin = off '
                       'SET enable_mergejoin = off SET enable_material = off SET plan_cache_mode = force_generic_plan', f.name);
    END LOOP;
END $$;
