output "bucket" {
  description = "For `airscoop script sql/bestsellers/schema.sql --set bucket=…` and the Airflow variable bestsellers_bucket."
  value       = aws_s3_bucket.data.bucket
}
