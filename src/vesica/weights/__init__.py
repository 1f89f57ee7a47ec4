"""Model files, their cards, and the small loaders that need no engine."""
