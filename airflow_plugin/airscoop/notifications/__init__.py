"""What a failed run tells, and to whom: EventBridge, and the log; for the task `tell_failure`."""
