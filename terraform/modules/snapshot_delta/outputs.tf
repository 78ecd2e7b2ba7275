output "exports_policy" {
  description = "ARN of the policy for the Airflow workers that run the DAG."
  value       = aws_iam_policy.exports.arn
}

output "athena_policy" {
  description = "ARN of the policy for workers that compare by Athena; null without a database for it."
  value       = one(aws_iam_policy.athena[*].arn)
}

output "queue" {
  description = "Address of the SQS queue."
  value       = aws_sqs_queue.exports.url
}

output "stream" {
  description = "Name of the Kinesis stream."
  value       = aws_kinesis_stream.changes.name
}
