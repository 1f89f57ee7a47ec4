"""Who brought in and who last changed each character, score event and pixel."""
