# The DAG snapshot_delta: made once there is a tenant.
module "snapshot_delta" {
  source = "./modules/snapshot_delta"
  count  = length(var.tenants) > 0 ? 1 : 0

  region         = var.region
  name           = var.name
  bucket         = aws_s3_bucket.data.bucket
  tenants        = var.tenants
  changes_prefix = var.changes_prefix
  registry       = var.registry
  stream         = var.stream

  athena_database  = var.athena_database
  athena_workgroup = var.athena_workgroup
  athena_prefix    = var.athena_prefix
}

variable "tenants" {
  description = "Whose exports the DAG snapshot_delta reads: the first parts of their keys in the bucket. Empty: none of its resources are made."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for tenant in var.tenants : can(regex("^[^/*?$]+$", tenant))])
    error_message = "tenants: the first part of a key each, without slashes and wildcards."
  }
}

variable "changes_prefix" {
  description = "The part of the bucket that gets the files of changes. No tenant has this name."
  type        = string
  default     = "changes"

  validation {
    condition     = can(regex("^[^/*?$]+(/[^/*?$]+)*$", var.changes_prefix))
    error_message = "changes_prefix: a key prefix without wildcards and without a slash at either end."
  }
}

variable "registry" {
  description = "Name of the DynamoDB table of the exports. dags/config/snapshot_delta.yml names it too."
  type        = string
  default     = "registry"
}

variable "stream" {
  description = "Name of the Kinesis stream of the changes."
  type        = string
  default     = "airscoop-changes"
}

variable "athena_database" {
  description = "The Glue database, which is there, for the tables of comparisons by Athena (engine = \"athena\"); null: the DAG does not use Athena."
  type        = string
  default     = null

  validation {
    condition     = var.athena_database == null || can(regex("^[^/*?$]+$", var.athena_database))
    error_message = "athena_database: a name without slashes and wildcards."
  }
}

variable "athena_workgroup" {
  description = "The workgroup that Athena's queries run in."
  type        = string
  default     = "primary"

  validation {
    condition     = can(regex("^[^/*?$]+$", var.athena_workgroup))
    error_message = "athena_workgroup: a name without slashes and wildcards."
  }
}

variable "athena_prefix" {
  description = "The part of the bucket that gets Athena's results. No tenant has this name."
  type        = string
  default     = "athena"

  validation {
    condition     = can(regex("^[^/*?$]+(/[^/*?$]+)*$", var.athena_prefix))
    error_message = "athena_prefix: a key prefix without wildcards and without a slash at either end."
  }
}

output "athena_policy" {
  description = "ARN of the policy that comparisons by Athena need besides; null without athena_database."
  value       = one(module.snapshot_delta[*].athena_policy)
}

output "exports_policy" {
  description = "ARN of the policy that the DAG snapshot_delta needs besides; null without tenants."
  value       = one(module.snapshot_delta[*].exports_policy)
}

output "queue" {
  description = "Address of the SQS queue, for the Airflow variable snapshot_delta_queue; null without tenants."
  value       = one(module.snapshot_delta[*].queue)
}

output "stream" {
  description = "Name of the Kinesis stream, for the Airflow variable snapshot_delta_stream; null without tenants."
  value       = one(module.snapshot_delta[*].stream)
}
