output "bucket" {
  description = "For `airscoop script sql/bestsellers/schema.sql --set bucket=…` and the Airflow variable bestsellers_bucket."
  value       = aws_s3_bucket.data.bucket
}

output "role" {
  description = "ARN of the role, for `airscoop script sql/bestsellers/schema.sql --set role=…`; attach it to the warehouse first."
  value       = aws_iam_role.redshift.arn
}

output "worker_policy" {
  description = "ARN of the policy to attach to the Airflow workers' role or user."
  value       = aws_iam_policy.worker.arn
}

output "exports_policy" {
  description = "ARN of the policy that the DAG snapshot_delta needs besides; null without tenants."
  value       = one(aws_iam_policy.exports[*].arn)
}

output "queue" {
  description = "Address of the SQS queue, for the Airflow variable snapshot_delta_queue; null without tenants."
  value       = one(aws_sqs_queue.exports[*].url)
}

output "stream" {
  description = "Name of the Kinesis stream, for the Airflow variable snapshot_delta_stream; null without tenants."
  value       = one(aws_kinesis_stream.changes[*].name)
}
