output "bucket" {
  description = "Name of the bucket, for `airscoop script … --set bucket=…` and the Airflow variables of the DAGs."
  value       = aws_s3_bucket.data.bucket
}
