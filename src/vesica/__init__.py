"""One local-first studio in which a person and machine partners make art together."""
