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
  region         = "eu-central-1"
  name           = "airscoop-bestsellers"
  bucket         = "exports-of-the-test"
  redshift       = "books"
  tenants        = ["acme", "umbrella"]
  changes_prefix = "changes"
  registry       = "registry"
  stream         = "airscoop-changes"

  athena_database  = null
  athena_workgroup = "primary"
  athena_prefix    = "athena"
}

run "without_tenants_nothing_of_it_is_made" {
  command = plan

  variables {
    tenants = []
  }

  assert {
    condition     = length(module.snapshot_delta) == 0
    error_message = "Who does not use the DAG must not pay for its stream."
  }
  assert {
    condition     = output.exports_policy == null && output.queue == null && output.stream == null
    error_message = "There is nothing to name without tenants."
  }
}

run "the_registry_has_the_keys_and_is_kept" {
  command = plan

  module {
    source = "./modules/snapshot_delta"
  }

  assert {
    condition = (
      aws_dynamodb_table.registry.hash_key == "pk" &&
      aws_dynamodb_table.registry.range_key == "sk" &&
      { for each in aws_dynamodb_table.registry.attribute : each.name => each.type } == { pk = "S", sk = "S" }
    )
    error_message = "airscoop.aws.dynamodb names the keys pk and sk."
  }
  assert {
    condition = (
      aws_dynamodb_table.registry.billing_mode == "PAY_PER_REQUEST" &&
      aws_dynamodb_table.registry.point_in_time_recovery[0].enabled &&
      aws_dynamodb_table.registry.deletion_protection_enabled
    )
    error_message = "The registry must be on demand, recoverable and protected."
  }
  assert {
    condition = (
      aws_dynamodb_table.registry.ttl[0].enabled &&
      aws_dynamodb_table.registry.ttl[0].attribute_name == "expires"
    )
    error_message = "What was seen of locks must go away by itself."
  }
}

run "each_tenants_objects_are_told_to_the_queue_and_by_this_bucket_only" {
  command = plan

  module {
    source = "./modules/snapshot_delta"
  }

  assert {
    condition = {
      for queue in aws_s3_bucket_notification.exports.queue : queue.filter_prefix => queue.events
      } == {
      "acme/"     = toset(["s3:ObjectCreated:*"])
      "umbrella/" = toset(["s3:ObjectCreated:*"])
    }
    error_message = "Every tenant's new objects must be told, and no changes."
  }
  assert {
    condition = jsondecode(aws_sqs_queue.exports.policy).Statement == [{
      Sid       = "OnlyThisBucketSends"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = ["arn:aws:sqs:eu-central-1:000000000000:airscoop-bestsellers-exports"]
      Condition = {
        ArnEquals    = { "aws:SourceArn" = "arn:aws:s3:::exports-of-the-test" }
        StringEquals = { "aws:SourceAccount" = "000000000000" }
      }
    }]
    error_message = "Only this bucket's notifications may be sent to the queue."
  }
  assert {
    condition = jsondecode(aws_sqs_queue.exports.redrive_policy) == {
      deadLetterTargetArn = "arn:aws:sqs:eu-central-1:000000000000:airscoop-bestsellers-exports-dead"
      maxReceiveCount     = 5
    }
    error_message = "What cannot be read must be put aside."
  }
  assert {
    condition     = aws_sqs_queue.dead.name == "airscoop-bestsellers-exports-dead"
    error_message = "The dead letter queue must be the one that the redrive policy names."
  }
}

run "the_stream_is_on_demand_and_encrypted" {
  command = plan

  module {
    source = "./modules/snapshot_delta"
  }

  assert {
    condition = (
      aws_kinesis_stream.changes.stream_mode_details[0].stream_mode == "ON_DEMAND" &&
      aws_kinesis_stream.changes.encryption_type == "KMS"
    )
    error_message = "The stream must be on demand and encrypted."
  }
}

run "the_policy_reaches_these_resources_and_no_others" {
  command = plan

  module {
    source = "./modules/snapshot_delta"
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.exports.policy).Statement :
      statement.Sid => statement.Resource
      } == {
      ReadExports       = ["arn:aws:s3:::exports-of-the-test/acme/*", "arn:aws:s3:::exports-of-the-test/umbrella/*"]
      ListExports       = ["arn:aws:s3:::exports-of-the-test"]
      WriteChanges      = ["arn:aws:s3:::exports-of-the-test/changes/*"]
      KeepRegistry      = ["arn:aws:dynamodb:eu-central-1:000000000000:table/registry"]
      PublishChanges    = ["arn:aws:kinesis:eu-central-1:000000000000:stream/airscoop-changes"]
      ReadNotifications = ["arn:aws:sqs:eu-central-1:000000000000:airscoop-bestsellers-exports"]
    }
    error_message = "The worker must reach the exports, the changes, the registry, the stream and the queue."
  }
}

run "without_a_database_for_athena_nothing_is_granted_for_it" {
  command = plan

  module {
    source = "./modules/snapshot_delta"
  }

  assert {
    condition     = length(aws_iam_policy.athena) == 0 && output.athena_policy == null
    error_message = "Who does not use Athena must grant nothing for it."
  }
}

run "comparisons_by_athena_reach_their_workgroup_their_tables_and_their_results" {
  command = plan

  module {
    source = "./modules/snapshot_delta"
  }

  variables {
    athena_database  = "scratch"
    athena_workgroup = "delta"
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.athena[0].policy).Statement :
      statement.Sid => statement.Resource
      } == {
      QueryByAthena = ["arn:aws:athena:eu-central-1:000000000000:workgroup/delta"]
      KeepTablesOfRuns = [
        "arn:aws:glue:eu-central-1:000000000000:catalog",
        "arn:aws:glue:eu-central-1:000000000000:database/scratch",
        "arn:aws:glue:eu-central-1:000000000000:table/scratch/*",
      ]
      KeepResultsOfRuns      = ["arn:aws:s3:::exports-of-the-test/athena/*"]
      FindTheBucketOfResults = ["arn:aws:s3:::exports-of-the-test"]
    }
    error_message = "Athena's policy must reach the workgroup, the catalog's database and the results."
  }
}

run "the_module_names_what_it_makes" {
  command = apply

  module {
    source = "./modules/snapshot_delta"
  }

  assert {
    condition = (
      output.queue == aws_sqs_queue.exports.url &&
      output.stream == aws_kinesis_stream.changes.name &&
      output.exports_policy == aws_iam_policy.exports.arn
    )
    error_message = "Queue, stream and policy must be those that are made."
  }
}

run "outputs_are_what_airflow_is_told" {
  command = apply

  assert {
    condition     = output.stream == "airscoop-changes"
    error_message = "The variable snapshot_delta_stream must get the stream's name."
  }
  assert {
    condition = (
      output.queue == module.snapshot_delta[0].queue &&
      output.exports_policy == module.snapshot_delta[0].exports_policy
    )
    error_message = "The variable snapshot_delta_queue must get the queue's address, and the worker the policy."
  }
}

run "a_tenant_with_a_slash_is_refused" {
  command = plan

  variables {
    tenants = ["acme/orders"]
  }

  expect_failures = [var.tenants]
}
