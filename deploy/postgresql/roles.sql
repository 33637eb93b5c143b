-- Roles for a store of yunhe, and what nobody else may do in its database. Once, as a superuser, in that database:
--     CREATE ROLE yunhe LOGIN; CREATE DATABASE yunhe OWNER yunhe;
--     psql -d yunhe -f roles.sql
-- May be run again. Then make the tables (`yunhe store migrate` as yunhe) and run grants.sql. Passwords or certificates
-- are given apart from this: \password yunhe_writer
--
--   yunhe          owns the tables: `store migrate`, `store restore`
--   yunhe_writer   scans: adds, ends what holds no more, and takes nothing away
--   yunhe_pruner   `store prune`: a writer that also takes scans away, and nothing from the run log
--   yunhe_reports  reads all: `serve`, `report`, `findings`, `diff`, `store verify`, `store backup`, `store stats`
--   yunhe_reader   Grafana: reads the views, and no table

DO $$
DECLARE
    name text;
    routine regprocedure;
BEGIN
    FOREACH name IN ARRAY ARRAY['yunhe', 'yunhe_writer', 'yunhe_pruner', 'yunhe_reports', 'yunhe_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
        -- Who is no superuser, makes no databases or roles, and passes no rights on.
        IF name <> 'yunhe' THEN
            EXECUTE format('ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', name);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
    END LOOP;
    -- CONNECT for everybody, and with it tables of their own in TEMPORARY.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    -- Advisory locks keep two scans apart: whoever may take one can hold up the night.
    FOR routine IN SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^pg_(try_)?advisory_' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO yunhe, yunhe_writer', routine);
    END LOOP;
    -- Large objects belong to whoever makes them, and anybody may.
    FOR routine IN SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO yunhe;
GRANT yunhe_writer TO yunhe_pruner;

-- No right, but what keeps a dashboard's mistake small; whoever has the role can set it otherwise.
ALTER ROLE yunhe_reader SET default_transaction_read_only = on;
ALTER ROLE yunhe_reader SET statement_timeout = '60s';
ALTER ROLE yunhe_reader SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE yunhe_reader CONNECTION LIMIT 20;
