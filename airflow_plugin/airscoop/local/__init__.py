"""The local stack: S3, other AWS services, PostgreSQL and the Redshift stand-in, without AWS."""
