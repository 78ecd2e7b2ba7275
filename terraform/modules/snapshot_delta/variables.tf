variable "region" {
  description = "The AWS Region of everything here."
  type        = string
}

variable "name" {
  description = "Begins the names of the queues and the policy."
  type        = string
}

variable "bucket" {
  description = "Name of the bucket of the exports and of the changes' files."
  type        = string
}

variable "tenants" {
  description = "Whose exports the DAG reads: the first parts of their keys in the bucket."
  type        = list(string)
}

variable "changes_prefix" {
  description = "The part of the bucket that gets the files of changes."
  type        = string
}

variable "registry" {
  description = "Name of the DynamoDB table of the exports."
  type        = string
}

variable "stream" {
  description = "Name of the Kinesis stream of the changes."
  type        = string
}

variable "athena_database" {
  description = "The Glue database for the tables of a comparison by Athena; null: there is none."
  type        = string
}

variable "athena_workgroup" {
  description = "The workgroup that Athena's queries run in."
  type        = string
}

variable "athena_prefix" {
  description = "The part of the bucket that gets Athena's results."
  type        = string
}
