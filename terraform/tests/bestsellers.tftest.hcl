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

run "only_this_warehouse_gets_the_role" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.redshift.assume_role_policy).Statement[0].Condition == {
      StringLike = {
        "sts:ExternalId" = "arn:aws:redshift:eu-central-1:000000000000:dbuser:books/*"
      }
    }
    error_message = "The role's trust must name the warehouse's database users."
  }
}

run "spectrum_reads_the_prefix_and_keeps_one_catalog_database" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.redshift.policy).Statement :
      statement.Sid => statement.Resource
      } == {
      ReadFiles  = ["arn:aws:s3:::books-of-the-test/bestsellers/*"]
      ListFiles  = ["arn:aws:s3:::books-of-the-test"]
      FindBucket = ["arn:aws:s3:::books-of-the-test"]
      Catalog = [
        "arn:aws:glue:eu-central-1:000000000000:catalog",
        "arn:aws:glue:eu-central-1:000000000000:database/spectrumdb",
        "arn:aws:glue:eu-central-1:000000000000:table/spectrumdb/*",
      ]
    }
    error_message = "Redshift must reach this prefix and this Glue database, and no more."
  }
  assert {
    condition = one([
      for statement in jsondecode(aws_iam_role_policy.redshift.policy).Statement :
      statement.Condition.StringLike["s3:prefix"] if statement.Sid == "ListFiles"
    ]) == "bestsellers/*"
    error_message = "Redshift must list below the prefix only."
  }
  assert {
    condition = length(setintersection(
      flatten([
        for statement in jsondecode(aws_iam_role_policy.redshift.policy).Statement : statement.Action
      ]),
      ["s3:PutObject", "s3:DeleteObject", "glue:DeleteDatabase"],
    )) == 0
    error_message = "Redshift must not write files or drop the database."
  }
  assert {
    condition     = aws_glue_catalog_database.spectrum.name == "spectrumdb"
    error_message = "The Glue database must be the one that sql/bestsellers/schema.sql names."
  }
}

run "worker_deletes_below_the_data_only" {
  command = plan

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.worker.policy).Statement :
      statement.Sid => { actions = statement.Action, resources = statement.Resource }
      } == {
      WriteFiles = {
        actions = [
          "s3:PutObject", "s3:GetObject", "s3:GetObjectTagging", "s3:AbortMultipartUpload",
          "s3:ListMultipartUploadParts",
        ]
        resources = ["arn:aws:s3:::books-of-the-test/bestsellers/*"]
      }
      ListBucket = {
        actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
        resources = ["arn:aws:s3:::books-of-the-test"]
      }
      RemoveStaleFiles = {
        actions   = ["s3:DeleteObject"]
        resources = ["arn:aws:s3:::books-of-the-test/bestsellers/*"]
      }
    }
    error_message = "The worker must have exactly airscoop's S3 actions, and delete only where it writes."
  }
}

run "outputs_are_what_the_script_is_called_with" {
  command = apply

  assert {
    condition     = output.bucket == "books-of-the-test"
    error_message = "--set bucket=… must get the bucket's name."
  }
  assert {
    condition     = output.role == aws_iam_role.redshift.arn
    error_message = "--set role=… must get the role's ARN."
  }
}

run "a_wildcard_is_no_warehouse" {
  command = plan

  variables {
    redshift = "*"
  }

  expect_failures = [var.redshift]
}

run "a_bucket_with_dots_is_refused" {
  command = plan

  variables {
    bucket = "books.of.the.test"
  }

  expect_failures = [var.bucket]
}
