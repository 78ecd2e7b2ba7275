"""One session on Redshift or PostgreSQL."""
