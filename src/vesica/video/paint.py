"""Style in one pass over a video: each frame is painted, and strokes move with what they are painted on."""

from collections.abc import Callable, Iterator

import numpy as np

from vesica.errors import VesicaError
from vesica.image.paint import paint as paint_picture
from vesica.image.params import PaintParams as PictureParams
from vesica.image.pictures import Picture
from vesica.video.clip import Video
from vesica.video.flow import Floats
from vesica.video.params import PaintParams
from vesica.video.reading import frames
from vesica.video.stabilise import Carried, blended, stabilised
from vesica.video.writing import write_video
from vesica.work import Progress, Step

COMFORTABLE = 1024
"""Longest side that a clip is painted at where the person does not say."""


def paint(
    *,
    clip: Video,
    params: PaintParams,
    seed: int,
    painting: Picture | None = None,
    progress: Progress | None = None,
) -> Video:
    """Paint ``clip`` anew in the manner of a painting, or of several blended; it keeps its pace and its sound.

    Parameters
    ----------
    clip : the video
    params : the knobs
    seed : draws the grain that strokes start from, the same for every frame, and how the take strays from the style
    painting : uint8 [height, width, 3], a picture whose manner is taken, besides those that ``params`` name
    progress : called at least after each layer of the network for every frame; may raise ``Cancelled``

    Raises
    ------
    VesicaError : as ``vesica.image.paint.paint``, and for a clip that is damaged
    """
    knobs = PictureParams(
        style=params.style,
        scale=params.scale,
        content=params.content,
        colour=params.colour,
        strength=params.strength,
        variety=params.variety,
    )
    done, last = 0, None

    def tell(step: Step) -> None:
        if progress:
            progress(Step(done, clip.count, last if step.preview is None else step.preview, step.note))

    def painted(frame: Picture) -> Picture:
        return paint_picture(picture=frame, params=knobs, seed=seed, painting=painting, progress=tell)

    def made() -> Iterator[Picture]:
        nonlocal done, last
        for frame in steadied(frames(clip, size=_size(clip, params.size)), painted, params.steadiness):
            done, last = done + 1, frame
            if progress:
                progress(Step(done, clip.count, frame, f"frame {done} of {clip.count}"))
            yield frame

    return write_video(made(), clip.fps, sound_of=clip)


def steadied(coming: Iterator[Picture], painted: Callable[[Picture], Picture], steadiness: float) -> Iterator[Picture]:
    """What ``painted`` makes of each frame, with the strokes of the frame before laid over it where they still fit."""

    def make(frame: Picture, carried: Carried | None) -> Floats:
        fresh: Floats = painted(frame).astype(np.float32) / np.float32(255)
        return fresh if carried is None else blended(fresh, carried, steadiness)

    for _, made in stabilised(coming, make):
        yield np.rint(made * 255).astype(np.uint8)


def _size(clip: Video, longest: int) -> tuple[int, int]:
    """Width and height, even, at which a clip is painted."""
    scale = min(1.0, (longest or COMFORTABLE) / max(clip.width, clip.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (clip.width, clip.height))
    if min(width, height) < 32:
        raise VesicaError("A video to paint needs 32 pixels a side; give a larger one, or a larger size.")
    return width, height
