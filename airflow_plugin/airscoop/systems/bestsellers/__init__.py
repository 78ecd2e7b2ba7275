"""The system bestsellers: book reviews and metadata, loaded without duplicates."""
