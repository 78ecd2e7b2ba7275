# As bucket.tftest.hcl: against a mocked provider.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  region        = "eu-central-1"
  name          = "airscoop-bestsellers"
  bucket        = "books-of-the-test"
  prefix        = "bestsellers"
  redshift      = "books"
  glue_database = "spectrumdb"
}

run "only_this_warehouse_gets_the_role" {
  command = plan

  module {
    source = "./modules/bestsellers"
  }

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

  module {
    source = "./modules/bestsellers"
  }

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

  module {
    source = "./modules/bestsellers"
  }

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

run "the_module_names_what_it_makes" {
  command = apply

  module {
    source = "./modules/bestsellers"
  }

  assert {
    condition     = output.role == aws_iam_role.redshift.arn
    error_message = "The role must be the one that Redshift may assume."
  }
  assert {
    condition     = output.worker_policy == aws_iam_policy.worker.arn
    error_message = "The policy must be the workers'."
  }
}

run "outputs_are_what_the_script_is_called_with" {
  command = apply

  assert {
    condition     = output.bucket == "books-of-the-test"
    error_message = "--set bucket=… must get the bucket's name."
  }
  assert {
    condition     = output.role == module.bestsellers.role
    error_message = "--set role=… must get the role's ARN."
  }
  assert {
    condition     = output.worker_policy == module.bestsellers.worker_policy
    error_message = "The worker must get its own policy."
  }
}

run "a_wildcard_is_no_warehouse" {
  command = plan

  variables {
    redshift = "*"
  }

  expect_failures = [var.redshift]
}
