"""The delta of two exports: by the engine, or as SQL by Athena."""
