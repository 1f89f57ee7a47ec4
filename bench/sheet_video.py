"""The strips in docs/engines/video.dream.md and video.paint.md; seed 1, none chosen.

Run: python bench/sheet_video.py FOLDER CLIP (writes FOLDER/*.mp4 and the two strips)
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from vesica.image.field import field
from vesica.image.params import FieldParams
from vesica.image.pictures import Picture, read_picture
from vesica.video.clip import Video
from vesica.video.dream import dream
from vesica.video.paint import paint
from vesica.video.params import DreamParams, PaintParams
from vesica.video.reading import frames, read_video
from vesica.video.writing import write_video

ROOT = Path(__file__).parents[1]
SHOWN = 5
ACROSS = 300


def strip(video: Video, *, height: int = 200) -> Picture:
    """Frames from first to last, side by side."""
    wanted = {round(place * (video.count - 1) / (SHOWN - 1)) for place in range(SHOWN)}
    shown = [frame for place, frame in enumerate(frames(video)) if place in wanted]
    small = [Image.fromarray(frame).resize((ACROSS, height), Image.Resampling.LANCZOS) for frame in shown]
    return np.hstack([np.array(one) for one in small])


def part(clip: Video, first: int, last: int) -> Video:
    """Some frames of a clip."""
    return write_video((frame for at, frame in enumerate(frames(clip)) if first <= at < last), clip.fps)


def painting(photo: Picture) -> Picture:
    """A painted field in the photograph's shape."""
    height, width = photo.shape[:2]
    return field(params=FieldParams(words="a storm at sea", width=width, height=height), seed=1)


def main() -> None:
    """Make the videos one by one; those that are there already are kept."""
    folder, clip = Path(sys.argv[1]), read_video(Path(sys.argv[2]).read_bytes())
    folder.mkdir(exist_ok=True)
    photo = read_picture((ROOT / "examples" / "photo.jpg").read_bytes())
    street = part(clip, 139, 169)
    takes: dict[str, Callable[[], Video]] = {
        "zoom": lambda: dream(params=DreamParams(mode="zoom", seconds=12.5, size=256), seed=1, picture=photo),
        "morph": lambda: dream(
            params=DreamParams(seconds=4, fps=12, size=320), seed=1, picture=photo, other=painting(photo)
        ),
        "clip": lambda: dream(params=DreamParams(mode="clip", size=320), seed=1, clip=street),
        "paint": lambda: paint(clip=street, params=PaintParams(style="starry_night", size=512), seed=1),
    }
    made: dict[str, Video] = {}
    for name, take in takes.items():
        file = folder / f"{name}.mp4"
        if not file.exists():
            file.write_bytes(take().data)
        made[name] = read_video(file.read_bytes())
    low = round(ACROSS * clip.height / clip.width)
    dreams = np.vstack([strip(made["zoom"]), strip(made["morph"]), strip(made["clip"], height=low)])
    painted = np.vstack([strip(street, height=low), strip(made["paint"], height=low)])
    for name, sheet in (("dream", dreams), ("paint", painted)):
        Image.fromarray(sheet).save(ROOT / "docs" / "engines" / f"video.{name}.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
