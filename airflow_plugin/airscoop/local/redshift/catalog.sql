-- What the stand-in keeps in the database it serves. Run at each start; changes nothing when done.
SET client_min_messages = warning;
SET allow_system_table_mods = on;

CREATE EXTENSION IF NOT EXISTS file_fdw;
CREATE SCHEMA IF NOT EXISTS airscoop_catalog;
CREATE SCHEMA IF NOT EXISTS airscoop_partitions;

DO $do$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_foreign_server WHERE srvname = 'airscoop_objects') THEN
        CREATE SERVER airscoop_objects FOREIGN DATA WRAPPER file_fdw;
    END IF;
END $do$;

CREATE TABLE IF NOT EXISTS airscoop_catalog.external_schemas (
    schemaname text PRIMARY KEY,
    databasename text NOT NULL,
    options jsonb NOT NULL
);
CREATE TABLE IF NOT EXISTS airscoop_catalog.external_tables (
    relation oid PRIMARY KEY,
    location text NOT NULL,
    definition jsonb NOT NULL
);
-- An unpartitioned table has one row here, without values.
CREATE TABLE IF NOT EXISTS airscoop_catalog.external_partitions (
    relation oid PRIMARY KEY,
    parent oid NOT NULL,
    partition_values text[] NOT NULL,
    location text NOT NULL,
    token text NOT NULL UNIQUE,
    UNIQUE (parent, partition_values)
);

CREATE OR REPLACE FUNCTION airscoop_catalog.forget_dropped() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $body$
BEGIN
    DELETE FROM airscoop_catalog.external_partitions p USING pg_event_trigger_dropped_objects() d
        WHERE d.classid = 'pg_class'::regclass AND d.objid IN (p.relation, p.parent);
    DELETE FROM airscoop_catalog.external_tables t USING pg_event_trigger_dropped_objects() d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = t.relation;
    DELETE FROM airscoop_catalog.external_schemas s USING pg_event_trigger_dropped_objects() d
        WHERE d.object_type = 'schema' AND d.object_name = s.schemaname;
END $body$;

DO $do$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_event_trigger WHERE evtname = 'airscoop_forget_dropped') THEN
        CREATE EVENT TRIGGER airscoop_forget_dropped ON sql_drop
            EXECUTE FUNCTION airscoop_catalog.forget_dropped();
    END IF;
END $do$;

-- The start of the statement, in whole seconds, in the session's time zone.
CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp
LANGUAGE sql STABLE AS $body$ SELECT date_trunc('second', statement_timestamp())::timestamp $body$;

CREATE OR REPLACE VIEW pg_catalog.svv_external_schemas AS
SELECT n.oid AS esoid, 1 AS eskind, s.schemaname, n.nspowner AS esowner, s.databasename,
       s.options::text AS esoptions
FROM airscoop_catalog.external_schemas s JOIN pg_namespace n ON n.nspname = s.schemaname;

CREATE OR REPLACE VIEW pg_catalog.svv_external_tables AS
SELECT current_database()::text AS redshift_database_name, n.nspname::text AS schemaname,
       c.relname::text AS tablename, 'TABLE'::text AS tabletype, t.location,
       t.definition ->> 'input_format' AS input_format,
       t.definition ->> 'output_format' AS output_format,
       t.definition ->> 'serde' AS serialization_lib,
       (t.definition -> 'serde_properties')::text AS serde_parameters,
       0 AS compressed, (t.definition -> 'properties')::text AS parameters
FROM airscoop_catalog.external_tables t
JOIN pg_class c ON c.oid = t.relation JOIN pg_namespace n ON n.oid = c.relnamespace;

CREATE OR REPLACE VIEW pg_catalog.svv_external_columns AS
SELECT v.redshift_database_name, v.schemaname, v.tablename, e.item ->> 'name' AS columnname,
       regexp_replace(regexp_replace(e.item ->> 'sql', '^character varying', 'varchar'),
                      '^character', 'char') AS external_type,
       e.place::integer AS columnnum,
       greatest(e.place - jsonb_array_length(t.definition -> 'columns'), 0)::integer AS part_key,
       'true'::text AS is_nullable
FROM airscoop_catalog.external_tables t
JOIN pg_class c ON c.oid = t.relation JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.svv_external_tables v ON v.schemaname = n.nspname AND v.tablename = c.relname,
jsonb_array_elements((t.definition -> 'columns') || (t.definition -> 'partition_columns'))
    WITH ORDINALITY AS e (item, place);

-- Redshift cuts locations at 128 characters here.
CREATE OR REPLACE VIEW pg_catalog.svv_external_partitions AS
SELECT v.schemaname, v.tablename,
       (SELECT '[' || string_agg(to_json(value)::text, ',' ORDER BY place) || ']'
        FROM unnest(p.partition_values) WITH ORDINALITY AS u (value, place)) AS values,
       substr(p.location, 1, 128) AS location, v.input_format, v.output_format,
       v.serialization_lib, v.serde_parameters, v.compressed, v.parameters
FROM airscoop_catalog.external_partitions p
JOIN pg_class c ON c.oid = p.parent JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.svv_external_tables v ON v.schemaname = n.nspname AND v.tablename = c.relname
WHERE cardinality(p.partition_values) > 0;

CREATE OR REPLACE VIEW pg_catalog.svv_transactions AS
SELECT a.usename::text AS txn_owner, a.datname::text AS txn_db,
       a.backend_xid::text::bigint AS xid, l.pid,
       (a.xact_start AT TIME ZONE 'UTC')::timestamp AS txn_start, l.mode AS lock_mode,
       l.locktype AS lockable_object_type, l.relation, l.granted
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype IN ('relation', 'transactionid');

GRANT SELECT ON pg_catalog.svv_transactions, pg_catalog.svv_external_schemas, pg_catalog.svv_external_tables,
    pg_catalog.svv_external_columns, pg_catalog.svv_external_partitions TO PUBLIC;
GRANT USAGE ON SCHEMA airscoop_partitions TO PUBLIC;
