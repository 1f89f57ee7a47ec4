"""What a person can turn on each image engine."""
