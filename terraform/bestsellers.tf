# The DAG bestsellers: its Glue database, the role of the warehouse, the policy of the workers.
module "bestsellers" {
  source = "./modules/bestsellers"

  region        = var.region
  name          = var.name
  bucket        = aws_s3_bucket.data.bucket
  prefix        = var.prefix
  redshift      = var.redshift
  glue_database = var.glue_database
}

variable "redshift" {
  description = "The warehouse that may use the role, as its database user ARNs name it: a cluster's identifier, or serverless-ACCOUNT-WORKGROUPID."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+$", var.redshift))
    error_message = "redshift: a cluster's identifier, or serverless-ACCOUNT-WORKGROUPID; no wildcard."
  }
}

variable "prefix" {
  description = "The part of the bucket that the DAG writes and Spectrum reads. sql/bestsellers/schema.sql and dags/config name it too."
  type        = string
  default     = "bestsellers"

  validation {
    condition     = can(regex("^[^/*?$]+(/[^/*?$]+)*$", var.prefix))
    error_message = "prefix: a key prefix without wildcards and without a slash at either end."
  }
}

variable "glue_database" {
  description = "Name of the Glue database of the external tables. sql/bestsellers/schema.sql names it too."
  type        = string
  default     = "spectrumdb"
}

output "role" {
  description = "ARN of the role, for `airscoop script sql/bestsellers/schema.sql --set role=…`; attach it to the warehouse first."
  value       = module.bestsellers.role
}

output "worker_policy" {
  description = "ARN of the policy to attach to the Airflow workers' role or user."
  value       = module.bestsellers.worker_policy
}
