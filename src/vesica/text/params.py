"""What a person can turn on each text engine."""
