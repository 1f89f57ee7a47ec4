"""What a person can turn on each music engine."""
