"""The command `airscoop`: one module for the verbs of a subject."""
