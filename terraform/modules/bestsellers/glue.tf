# Tables and partitions are made in it by sql/bestsellers/schema.sql and by the DAG, through Redshift.
resource "aws_glue_catalog_database" "spectrum" {
  name        = var.glue_database
  description = "External tables of the DAG bestsellers, read by Redshift Spectrum"
}
