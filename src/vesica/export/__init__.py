"""Files that leave the studio, with their credentials and reports."""
