"""Music: engines that return scores."""
