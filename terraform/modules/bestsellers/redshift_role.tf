# What Redshift does for CREATE EXTERNAL SCHEMA, external tables, their partitions and reading them.
resource "aws_iam_role" "redshift" {
  name        = "${var.name}-redshift"
  description = "Redshift Spectrum reads the DAG bestsellers' files and keeps their tables in Glue"

  # Redshift gives the ARN of the database user as external id, so no other warehouse gets in.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ThisWarehouse"
        Effect    = "Allow"
        Principal = { Service = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"] }
        Action    = "sts:AssumeRole"
        Condition = {
          StringLike = {
            "sts:ExternalId" = "arn:${local.partition}:redshift:${var.region}:${local.account}:dbuser:${var.redshift}/*"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "redshift" {
  name = "${var.name}-spectrum"
  role = aws_iam_role.redshift.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadFiles"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["${local.data_arn}/*"]
      },
      {
        Sid       = "ListFiles"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = [local.bucket_arn]
        Condition = { StringLike = { "s3:prefix" = "${var.prefix}/*" } }
      },
      {
        Sid      = "FindBucket"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation"]
        Resource = [local.bucket_arn]
      },
      {
        # CreateDatabase is for the script's CREATE EXTERNAL DATABASE IF NOT EXISTS, DeleteTable for
        # dropping external tables after a run of the script that stopped half way. Glue asks for
        # a right on the catalog and the database besides the table's own.
        Sid    = "Catalog"
        Effect = "Allow"
        Action = [
          "glue:CreateDatabase",
          "glue:GetDatabase",
          "glue:CreateTable",
          "glue:GetTable",
          "glue:GetTables",
          "glue:UpdateTable",
          "glue:DeleteTable",
          "glue:BatchCreatePartition",
          "glue:CreatePartition",
          "glue:BatchGetPartition",
          "glue:GetPartition",
          "glue:GetPartitions",
          "glue:UpdatePartition",
        ]
        Resource = [
          "${local.glue_arn}:catalog",
          "${local.glue_arn}:database/${var.glue_database}",
          "${local.glue_arn}:table/${var.glue_database}/*",
        ]
      },
    ]
  })
}
