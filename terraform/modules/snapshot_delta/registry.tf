# The registry of exports: what was seen, what is done, how far it is published, and the locks.
resource "aws_dynamodb_table" "registry" {
  name         = var.registry
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  # Of what a machine saw of a lock while it waited. Exports and locks have no such attribute.
  ttl {
    attribute_name = "expires"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # Without it every export would be new, and be published again.
  deletion_protection_enabled = true
}
