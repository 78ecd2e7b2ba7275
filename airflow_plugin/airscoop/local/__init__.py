"""The local stack: S3, PostgreSQL and the Redshift stand-in, without an AWS account."""
