# The changes. On demand: a shard's limits would be the speed of a whole export.
resource "aws_kinesis_stream" "changes" {
  name             = var.stream
  retention_period = 24
  encryption_type  = "KMS"
  kms_key_id       = "alias/aws/kinesis"

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}
