"""Changes onto a Kinesis stream."""
