terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id

  # Written out from the names, not taken from the resources: so a plan shows the whole policies.
  bucket_arn = "arn:${local.partition}:s3:::${var.bucket}"
  data_arn   = "${local.bucket_arn}/${var.prefix}"
  glue_arn   = "arn:${local.partition}:glue:${var.region}:${local.account}"
}
