# What the identity behind the Airflow connection aws_default needs: airscoop's own S3 requests.
resource "aws_iam_policy" "worker" {
  name        = "${var.name}-worker"
  description = "The DAG bestsellers writes and checks its files"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # The rights that CreateMultipartUpload, UploadPart, Complete and HEAD go by are among these;
        # a copy from S3 to S3 takes the source's tags along.
        Sid    = "WriteFiles"
        Effect = "Allow"
        Action = [
          "s3:PutObject",
          "s3:GetObject",
          "s3:GetObjectTagging",
          "s3:AbortMultipartUpload",
          "s3:ListMultipartUploadParts",
        ]
        Resource = ["${local.data_arn}/*"]
      },
      {
        # Not cut down to the prefix: HEAD names none, and without this right S3 answers 403 instead
        # of 404 for an object that is not there.
        Sid      = "ListBucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
        Resource = [local.bucket_arn]
      },
      {
        # A rerun without bad records removes the reject file of the run before, a copy in several
        # files those of an earlier run that are too many. Who may write here could empty any file.
        Sid      = "RemoveStaleFiles"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject"]
        Resource = ["${local.data_arn}/*"]
      },
    ]
  })
}
