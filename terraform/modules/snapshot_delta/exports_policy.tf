# What the DAG snapshot_delta needs beside the worker's policy: exports, changes, registry, stream, queue.
resource "aws_iam_policy" "exports" {
  name        = "${var.name}-exports"
  description = "The DAG snapshot_delta compares exports and publishes the changes"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadExports"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = [for tenant in var.tenants : "${local.bucket_arn}/${tenant}/*"]
      },
      {
        # Without it S3 answers 403 instead of 404 for an object that is not there.
        Sid      = "ListExports"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [local.bucket_arn]
      },
      {
        Sid    = "WriteChanges"
        Effect = "Allow"
        Action = [
          "s3:PutObject",
          "s3:GetObject",
          "s3:AbortMultipartUpload",
          "s3:ListMultipartUploadParts",
        ]
        Resource = ["${local.bucket_arn}/${var.changes_prefix}/*"]
      },
      {
        # ConditionCheckItem: every change of a state is one transaction with a look at the lock.
        Sid    = "KeepRegistry"
        Effect = "Allow"
        Action = [
          "dynamodb:GetItem",
          "dynamodb:Query",
          "dynamodb:PutItem",
          "dynamodb:UpdateItem",
          "dynamodb:ConditionCheckItem",
        ]
        Resource = ["arn:${local.partition}:dynamodb:${var.region}:${local.account}:table/${var.registry}"]
      },
      {
        Sid      = "PublishChanges"
        Effect   = "Allow"
        Action   = ["kinesis:DescribeStreamSummary", "kinesis:PutRecords"]
        Resource = ["arn:${local.partition}:kinesis:${var.region}:${local.account}:stream/${var.stream}"]
      },
      {
        Sid      = "ReadNotifications"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
        Resource = [local.queue_arn]
      },
    ]
  })
}
