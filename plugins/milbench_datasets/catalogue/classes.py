"""Names of classes that many data sets have."""

BINARY = ("negative", "positive")
