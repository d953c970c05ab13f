-- What a superuser runs once in Carillon's database, and may run again at any time.
-- It makes the three login roles (without passwords; give them some), takes from PUBLIC what would let one
-- statement leave its role or its transaction, and fixes the settings of the database.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'carillon_owner') THEN
        CREATE ROLE carillon_owner LOGIN CREATEROLE NOINHERIT NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'carillon_serve') THEN
        CREATE ROLE carillon_serve LOGIN NOINHERIT NOCREATEROLE NOCREATEDB NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'carillon_work') THEN
        CREATE ROLE carillon_work LOGIN NOINHERIT NOCREATEROLE NOCREATEDB NOSUPERUSER NOBYPASSRLS;
    END IF;
END
$$;

-- A statement of the service is short, and never waits long for a lock. Its statements are few and written to go by keys.
-- Fresh and small tables must not teach the planner otherwise: what is right for ten rows is kept in prepared plans, and
-- wrong for a million.
DO $$
DECLARE
    login text;
BEGIN
    FOREACH login IN ARRAY ARRAY['carillon_serve', 'carillon_work'] LOOP
        EXECUTE pg_catalog.format('ALTER ROLE %I SET statement_timeout = ''5s''', login);
        EXECUTE pg_catalog.format('ALTER ROLE %I SET lock_timeout = ''2s''', login);
        EXECUTE pg_catalog.format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''10s''', login);
        EXECUTE pg_catalog.format('ALTER ROLE %I SET enable_seqscan = off', login);
        EXECUTE pg_catalog.format('ALTER ROLE %I SET enable_hashjoin = off', login);
        EXECUTE pg_catalog.format('ALTER ROLE %I SET enable_mergejoin = off', login);
        EXECUTE pg_catalog.format('ALTER ROLE %I SET jit = off', login);
    END LOOP;
END
$$;
ALTER ROLE carillon_owner SET idle_in_transaction_session_timeout = '60s';

DO $$
BEGIN
    EXECUTE pg_catalog.format('ALTER DATABASE %I SET search_path = ''''', pg_catalog.current_database());
    EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
    EXECUTE pg_catalog.format('GRANT CONNECT, CREATE ON DATABASE %I TO carillon_owner', pg_catalog.current_database());
    EXECUTE pg_catalog.format(
        'GRANT CONNECT ON DATABASE %I TO carillon_serve, carillon_work', pg_catalog.current_database());
    IF pg_catalog.to_regnamespace('public') IS NOT NULL THEN
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    END IF;
END
$$;

-- `set_config('role', …)` inside one SELECT would change the role in the middle of it; the XML functions and ts_stat
-- run SQL given as text; large objects lie outside every schema; sleeping, notifying and advisory locks reach others.
DO $$
DECLARE
    risky pg_catalog.regprocedure;
BEGIN
    FOR risky IN
        SELECT p.oid
        FROM pg_catalog.pg_proc p
        WHERE pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
          AND ${is_risky}
    LOOP
        EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', risky);
    END LOOP;
END
$$;

-- Without a language there are no DO blocks and no functions for a tenant's role.
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
REVOKE USAGE ON LANGUAGE sql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO carillon_owner;
