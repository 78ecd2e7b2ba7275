"""What belongs to one system alone, a package each: its YAML's model, its demo, its made data."""

DEFAULT = "bestsellers"  # which one ./run demo is about without a name
