"""The Redshift stand-in: a server for PostgreSQL's protocol with what only Redshift has added.

What it gets goes byte for byte to a PostgreSQL behind it, but for:

- external schemas, tables (JSON lines) and partitions, with their views SVV_EXTERNAL_*: carried out
  here, alone and outside transaction blocks, as on Redshift. A partition is a foreign table whose
  rows the stand-in reads through airscoop;
- attributes of tables and columns, VARCHAR(MAX), IDENTITY(seed, step), SYSDATE, query_group and a
  few others: taken out, or put in PostgreSQL's words. GETDATE() is a function of the database;
- version() names Redshift;
- ON CONFLICT, RETURNING, DISTINCT ON, SAVEPOINT, indexes and others: refused;
- errors of reading, of cancelling and of conflicts between transactions: in Redshift's words.

Where it differs from Redshift all the same:

- VARCHAR(n) counts characters in ordinary tables (PostgreSQL), bytes in external ones (Redshift).
  VARCHAR and TEXT without a length have none; on Redshift they have 256 bytes.
- Primary keys and other constraints are enforced. Names in quotes keep their case.
- TRUNCATE does not commit. A materialized view is always refreshed in full, and locked meanwhile.
- External tables can only be read, belong to their schema's owner, and are dropped with the schema;
  there is no catalog database behind it that would keep them. SET ROLE does not change who may
  alter them.
- A conflict names no table and no transactions: these are 0 in its detail.
- No QUALIFY, MERGE of Redshift's kind, SUPER, LISTAGG, COPY from S3, UNLOAD, and no system views
  but those named above.
"""
