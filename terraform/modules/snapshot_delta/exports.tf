# S3 tells the queue of new objects of the tenants; Airflow's asset watcher reads it.
resource "aws_sqs_queue" "exports" {
  name                       = "${var.name}-exports"
  message_retention_seconds  = 345600
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  # An event is only a hint: a run lists what is there. One that nobody can read is put aside.
  redrive_policy = jsonencode({
    deadLetterTargetArn = "${local.queue_arn}-dead"
    maxReceiveCount     = 5
  })

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyThisBucketSends"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = [local.queue_arn]
        Condition = {
          ArnEquals    = { "aws:SourceArn" = local.bucket_arn }
          StringEquals = { "aws:SourceAccount" = local.account }
        }
      },
    ]
  })

  # SQS refuses a redrive to a queue that is not there.
  depends_on = [aws_sqs_queue.dead]
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-exports-dead"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

# This is the whole of the bucket's notifications: add others here.
resource "aws_s3_bucket_notification" "exports" {
  bucket = var.bucket

  dynamic "queue" {
    for_each = var.tenants

    content {
      queue_arn     = aws_sqs_queue.exports.arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = "${queue.value}/"
    }
  }
}
