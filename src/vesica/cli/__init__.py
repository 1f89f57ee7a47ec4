"""The command line: parses, calls the studio, shows."""
