"""A stand-in for Amazon Athena: its API, on the local stack's S3 and on moto's Glue catalog."""
