-- What each role of roles.sql may do with the tables of yunhe's store. As their owner, once they are there, and again after
-- each `yunhe store migrate`:
--     psql -U yunhe -d yunhe -f grants.sql
-- All that is not said here is taken away.

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, yunhe_writer, yunhe_pruner, yunhe_reports, yunhe_reader;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO yunhe_writer, yunhe_reports;

-- A scan adds rows, and ends those that hold no more: one column of the versions, nothing else, is ever changed.
GRANT INSERT ON body, record_version, raw_version, cell_version, rejection_version, finding_version, scan, observation, log
    TO yunhe_writer;
GRANT UPDATE (until_scan) ON record_version, raw_version, cell_version, rejection_version, finding_version TO yunhe_writer;
-- Who holds the lock.
GRANT INSERT, UPDATE, DELETE ON writer TO yunhe_writer;

-- A pruning takes rows of scans away. The run log is never among them.
GRANT DELETE ON body, record_version, raw_version, cell_version, rejection_version, finding_version, scan, observation
    TO yunhe_pruner;
GRANT INSERT, DELETE ON opened, tombstone TO yunhe_pruner;

-- Grafana: every view, and nothing below it.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'v\_%' LOOP
        EXECUTE format('GRANT SELECT ON public.%I TO yunhe_reader', name);
    END LOOP;
END
$$;
