data "aws_partition" "current" {}

locals {
  # Written out from the name, not taken from the resource: so a plan shows the whole policy.
  bucket_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.bucket}"
}
