"""The system snapshot_delta: what changed between full exports, published to Kinesis."""
