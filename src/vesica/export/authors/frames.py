"""Who made each frame of a video: strips of some of its frames, over time from left to right."""

import numpy as np

from vesica.authorship.frames import turns_at
from vesica.authorship.pixels import Labels
from vesica.authorship.pixels import Picture as Bytes
from vesica.export.authors.credits import Credits
from vesica.export.authors.pixels import Fact
from vesica.video.clip import Video
from vesica.video.reading import frames

SHOWN = 8
"""Frames of a strip."""

WIDTH = 1400
"""Of a strip, in pixels."""


def strip(video: Video) -> Bytes:
    """``SHOWN`` frames side by side, each from the middle of its part of the video."""
    across = WIDTH // SHOWN
    down = max(1, round(across * video.height / video.width))
    wanted = [(2 * part + 1) * video.count // (2 * SHOWN) for part in range(SHOWN)]
    found = {place: frame for place, frame in enumerate(frames(video, size=(across, down))) if place in wanted}
    return np.hstack([found[place] for place in wanted])


def raster(roll: Credits, fact: Fact, height: int, width: int) -> Labels:
    """Each column's author by number, for a strip of this size."""
    turns = turns_at(roll.map, width, changed=fact == "changed")
    row = np.array([roll.numbers[turn] for turn in turns], np.uint16)
    return np.broadcast_to(row, (height, width))
