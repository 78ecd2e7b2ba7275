"""What belongs to one system alone, a package each: its YAML's model, its demo, its made data."""
