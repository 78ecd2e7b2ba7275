"""The verbs that move bytes: copy, upload, copies of a prefix, outputs in several files, open."""
