"""What a sound engine plays: notes in seconds, after the score has been read as a performer reads it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sounded:
    """One note as it sounds."""

    start: float
    """Seconds from the beginning."""
    length: float
    """Seconds until the key is let go."""
    pitch: int
    """MIDI key, 0..127; 60 is middle C."""
    velocity: int
    """1..127."""
    program: int = 0
    """General MIDI program, 0..127."""
    pan: float = 0.0
    """-1 left .. 1 right."""
    stem: int = 0
    """Which part sings it; stems are rendered apart and added in this order."""
