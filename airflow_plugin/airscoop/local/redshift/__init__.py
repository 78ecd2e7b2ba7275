"""The Redshift stand-in: PostgreSQL's wire protocol with what only Redshift has added."""
