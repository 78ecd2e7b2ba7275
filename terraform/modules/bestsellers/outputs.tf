output "role" {
  description = "ARN of the role that Redshift assumes."
  value       = aws_iam_role.redshift.arn
}

output "worker_policy" {
  description = "ARN of the policy for the Airflow workers."
  value       = aws_iam_policy.worker.arn
}
