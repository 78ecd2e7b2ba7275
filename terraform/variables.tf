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

variable "name" {
  description = "Begins the names of the IAM role and policies."
  type        = string
  default     = "airscoop-bestsellers"
}

variable "tags" {
  description = "Tags of every resource that can have tags."
  type        = map(string)
  default     = { project = "airscoop", system = "bestsellers" }
}
