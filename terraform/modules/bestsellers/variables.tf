variable "region" {
  description = "The AWS Region of the warehouse and the bucket."
  type        = string
}

variable "name" {
  description = "Begins the names of the IAM role and policies."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket that gets the files."
  type        = string
}

variable "prefix" {
  description = "The part of the bucket that the DAG writes and Spectrum reads."
  type        = string
}

variable "redshift" {
  description = "The warehouse that may use the role, as its database user ARNs name it."
  type        = string
}

variable "glue_database" {
  description = "Name of the Glue database of the external tables."
  type        = string
}
