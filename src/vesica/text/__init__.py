"""Writing: engines that return strings."""
