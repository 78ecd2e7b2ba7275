"""Which system ./run demo is about without a name."""

DEFAULT = "bestsellers"
