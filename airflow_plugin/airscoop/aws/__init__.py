"""Where requests to AWS go, who signs them, what they ask: S3 listings and a DynamoDB table."""
