-- The warehouse of the DAG "bestsellers": schemas, tables and the materialized view.
--
--   airscoop script sql/bestsellers/schema.sql --set role=arn:aws:iam::…:role/… --set bucket=NAME
--
-- Run it once per warehouse. What stands before the external tables can run again and changes
-- nothing; CREATE EXTERNAL TABLE knows no IF NOT EXISTS, so a second run stops at the first one,
-- and dropping it first would lose its partitions. After a run that stopped half way, drop the
-- external tables that it made (that removes metadata only) and run the script again.
-- The view comes last: where it exists, the whole script has been run.

CREATE SCHEMA IF NOT EXISTS bestsellers;

-- DISTKEY(asin) everywhere: rows that the view joins lie on the same node, so nothing travels.
-- SORTKEY(asin) everywhere: both sides of that join come sorted, so it can merge instead of hash,
-- and a query for one product reads few blocks.
-- Widths are in bytes. No key constraint: Redshift does not enforce one, yet plans as if it held.
CREATE TABLE IF NOT EXISTS bestsellers.reviews (
    reviewerid     varchar(64),
    asin           varchar(32),
    reviewername   varchar(512),
    reviewtext     varchar(max),
    overall        double precision,
    summary        varchar(2048),
    unixreviewtime integer,
    reviewtime     varchar(32)
) DISTSTYLE KEY DISTKEY (asin) SORTKEY (asin);

CREATE TABLE IF NOT EXISTS bestsellers.metadata (
    asin  varchar(32),
    price double precision
) DISTSTYLE KEY DISTKEY (asin) SORTKEY (asin);

CREATE EXTERNAL SCHEMA IF NOT EXISTS spectrum
FROM DATA CATALOG
DATABASE 'spectrumdb'
IAM_ROLE '${role}'
CREATE EXTERNAL DATABASE IF NOT EXISTS;

-- Text columns are as wide as they can be, and a value wider still fails the query: by default
-- Spectrum would put NULL in its place. The internal tables' own widths then fail an insert.
-- ignore.malformed.json is left out on purpose: it turns a bad line into a row of NULLs.
-- Fields that no table uses (helpful, related, salesRank, categories …) stay in the files.
CREATE EXTERNAL TABLE spectrum.reviews (
    reviewerid     varchar(65535),
    asin           varchar(65535),
    reviewername   varchar(65535),
    reviewtext     varchar(65535),
    overall        double precision,
    summary        varchar(65535),
    unixreviewtime integer,
    reviewtime     varchar(65535)
)
PARTITIONED BY (downloaded_at integer)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
STORED AS TEXTFILE
LOCATION 's3://${bucket}/bestsellers/reviews/'
TABLE PROPERTIES (
    'data_cleansing_enabled' = 'true',
    'surplus_bytes_handling' = 'FAIL',
    'surplus_char_handling' = 'FAIL'
);

CREATE EXTERNAL TABLE spectrum.metadata (
    asin  varchar(65535),
    price double precision
)
PARTITIONED BY (downloaded_at integer)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
STORED AS TEXTFILE
LOCATION 's3://${bucket}/bestsellers/metadata/'
TABLE PROPERTIES (
    'data_cleansing_enabled' = 'true',
    'surplus_bytes_handling' = 'FAIL',
    'surplus_char_handling' = 'FAIL'
);

-- A review without metadata keeps a NULL price. The outer join makes every refresh a full one,
-- which is why the DAG refreshes only after an insert that changed something.
CREATE MATERIALIZED VIEW bestsellers.review_joined_price
DISTSTYLE KEY DISTKEY (asin) SORTKEY (asin)
AS
SELECT
    reviews.reviewerid,
    asin,
    reviews.reviewername,
    reviews.reviewtext,
    reviews.overall,
    reviews.summary,
    reviews.unixreviewtime,
    reviews.reviewtime,
    metadata.price
FROM bestsellers.reviews
LEFT JOIN bestsellers.metadata USING (asin);
