"""A local Lambda: Invoke for the handlers of a folder, each run in a process of its own."""
