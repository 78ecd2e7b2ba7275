data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  # The DAG snapshot_delta's resources are made once there is a tenant.
  delta = length(var.tenants) > 0 ? 1 : 0

  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id

  # Written out from the names, not taken from the resources: so a plan shows the whole policies.
  bucket_arn = "arn:${local.partition}:s3:::${var.bucket}"
  data_arn   = "${local.bucket_arn}/${var.prefix}"
  queue_arn  = "arn:${local.partition}:sqs:${var.region}:${local.account}:${var.name}-exports"
  glue_arn   = "arn:${local.partition}:glue:${var.region}:${local.account}"
}
