# terraform test (Terraform >= 1.7): plans against a mocked provider, so it needs no AWS account.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  region   = "eu-central-1"
  bucket   = "books-of-the-test"
  redshift = "books"
}

run "bucket_is_private_encrypted_and_tidy" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.data.block_public_acls,
      aws_s3_bucket_public_access_block.data.block_public_policy,
      aws_s3_bucket_public_access_block.data.ignore_public_acls,
      aws_s3_bucket_public_access_block.data.restrict_public_buckets,
    ])
    error_message = "Public access must be blocked in all four ways."
  }
  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_server_side_encryption_configuration.data.rule :
      rule.apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    ])
    error_message = "Objects must be encrypted with S3's own key."
  }
  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.data.rule[0].status == "Enabled" &&
      aws_s3_bucket_lifecycle_configuration.data.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 1
    )
    error_message = "Incomplete uploads must be aborted after one day."
  }
  assert {
    condition = jsondecode(aws_s3_bucket_policy.data.policy).Statement == [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::books-of-the-test", "arn:aws:s3:::books-of-the-test/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "The bucket policy must refuse every request without TLS, and grant nothing."
  }
}

run "a_bucket_with_dots_is_refused" {
  command = plan

  variables {
    bucket = "books.of.the.test"
  }

  expect_failures = [var.bucket]
}
