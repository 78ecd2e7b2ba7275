# What a comparison by Athena (engine = "athena") needs beside the policy of the exports.
resource "aws_iam_policy" "athena" {
  count = var.athena_database == null ? 0 : 1

  name        = "${var.name}-athena"
  description = "The DAG snapshot_delta compares exports by Athena"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # GetWorkGroup: where results go, and what a query may read, is looked at first.
        Sid    = "QueryByAthena"
        Effect = "Allow"
        Action = [
          "athena:GetWorkGroup",
          "athena:StartQueryExecution",
          "athena:GetQueryExecution",
          "athena:GetQueryResults",
          "athena:StopQueryExecution",
        ]
        Resource = ["arn:${local.partition}:athena:${var.region}:${local.account}:workgroup/${var.athena_workgroup}"]
      },
      {
        # Athena itself asks with these rights for the database and the partitions. GetTables: what a
        # killed run has left is found and removed.
        Sid    = "KeepTablesOfRuns"
        Effect = "Allow"
        Action = [
          "glue:CreateTable",
          "glue:DeleteTable",
          "glue:GetTable",
          "glue:GetTables",
          "glue:GetDatabase",
          "glue:GetPartitions",
        ]
        Resource = [
          "arn:${local.partition}:glue:${var.region}:${local.account}:catalog",
          "arn:${local.partition}:glue:${var.region}:${local.account}:database/${var.athena_database}",
          "arn:${local.partition}:glue:${var.region}:${local.account}:table/${var.athena_database}/*",
        ]
      },
      {
        Sid    = "KeepResultsOfRuns"
        Effect = "Allow"
        Action = [
          "s3:PutObject",
          "s3:GetObject",
          "s3:DeleteObject",
          "s3:AbortMultipartUpload",
          "s3:ListMultipartUploadParts",
        ]
        Resource = ["${local.bucket_arn}/${var.athena_prefix}/*"]
      },
      {
        Sid      = "FindTheBucketOfResults"
        Effect   = "Allow"
        Action   = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource = [local.bucket_arn]
      },
    ]
  })
}
