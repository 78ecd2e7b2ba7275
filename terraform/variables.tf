variable "region" {
  description = "The AWS Region of everything here. Spectrum reads only buckets in the warehouse's own Region."
  type        = string
}

variable "bucket" {
  description = "Name of the S3 bucket to make, unique in all of AWS. Without dots: they break TLS to virtual-host addresses."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket: 3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "redshift" {
  description = "The warehouse that may use the role, as its database user ARNs name it: a cluster's identifier, or serverless-ACCOUNT-WORKGROUPID."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+$", var.redshift))
    error_message = "redshift: a cluster's identifier, or serverless-ACCOUNT-WORKGROUPID; no wildcard."
  }
}

variable "name" {
  description = "Begins the names of the IAM role and policies."
  type        = string
  default     = "airscoop-bestsellers"
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

variable "tags" {
  description = "Tags of every resource that can have tags."
  type        = map(string)
  default     = { project = "airscoop", system = "bestsellers" }
}
