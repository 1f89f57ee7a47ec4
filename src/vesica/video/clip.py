"""What a video is to the studio, and how large one may be."""

from dataclasses import dataclass, field
from fractions import Fraction

from vesica.errors import VesicaError

TYPE = "video/mp4"

LONGEST = 4096
"""Pixels of a side."""

MOST_FRAMES = 36_000
"""Ten minutes at 60 frames a second, twenty at 30."""

FASTEST = 60
"""Frames a second."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video of constant frame rate.

    data : an MP4 file with H.264 of 8 bits and 4:2:0, and AAC where there is sound; nothing else inside
    fps : frames a second
    count : how many frames there are
    remarks : what had to be changed when the video was brought in, a sentence each; kept in the file
    """

    data: bytes = field(repr=False)
    width: int
    height: int
    fps: Fraction
    count: int
    sound: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def seconds(self) -> Fraction:
        """How long it is."""
        return self.count / self.fps


def check_size(width: int, height: int) -> None:
    """Refuse frames larger than ``LONGEST`` a side, or too small to be coded."""
    if max(width, height) > LONGEST:
        raise VesicaError(
            f"The video has {width} x {height} pixels; scale it to {LONGEST} pixels a side or less first."
        )
    if min(width, height) < 2:
        raise VesicaError(f"The video has {width} x {height} pixels; it needs 2 a side.")


def check_count(count: int, fps: Fraction) -> None:
    """Refuse more frames than ``MOST_FRAMES``."""
    if count > MOST_FRAMES:
        raise VesicaError(
            f"The video is longer than {round(MOST_FRAMES / fps / 60)} minutes at {in_words(fps)} frames a second; "
            "cut it into shorter ones first."
        )


def in_words(fps: Fraction) -> str:
    """A frame rate as people write it: 25, 29.97."""
    return f"{float(fps):.2f}".rstrip("0").rstrip(".")
