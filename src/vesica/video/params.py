"""What a person can turn on each video engine."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval

from vesica.work import Recipe


@dataclass(frozen=True, slots=True)
class DreamParams:
    """Knobs of dreams that move."""

    mode: Annotated[
        Literal["auto", "zoom", "morph", "clip"],
        "zoom: for ever into a picture; morph: from one dream to another; clip: over a video; auto: by what is given.",
    ] = "auto"
    look_for: Annotated[
        str,
        Recipe(),
        "What the dream looks for, as in image.dream: e5 cells, b8 scales and beads, e9 fur and eyes, lighthouse.",
    ] = "b8"
    into: Annotated[str, Recipe(), "What a morph looks for at its end; empty: what it looked for all along."] = "e9"
    seconds: Annotated[float, Interval(ge=0.1, le=120), "Length of a zoom or a morph."] = 8.0
    fps: Annotated[int, Interval(ge=1, le=60), "Frames a second of a zoom or a morph."] = 24
    size: Annotated[
        int, Interval(ge=64, le=2048), "Longest side in pixels at which is dreamt; a clip keeps its own size."
    ] = 512
    zoom: Annotated[float, Interval(gt=1, le=4), "How many times larger a zoom makes things in a second."] = 1.35
    turn: Annotated[float, Interval(ge=-90, le=90), "Degrees that a zoom turns in a second, clockwise."] = 3.0
    loop: Annotated[bool, "Let a morph return to where it began, so that it can be shown for ever."] = False
    octaves: Annotated[int, Interval(ge=1, le=6), "Scales dreamed at for every frame, large to small."] = 3
    ratio: Annotated[float, Interval(ge=1.1, le=3), "Each scale is larger than the last by this."] = 1.6
    rate: Annotated[float, Interval(gt=0, le=2), "Mean change of a pixel in a second, of a range of 1."] = 0.35
    jitter: Annotated[
        int, Interval(ge=0, le=64), "The view moves by up to this many pixels each step, hiding the grid."
    ] = 16
    colour: Annotated[float, Interval(ge=0, le=1), "How much the dream may change colours; 0 changes light alone."] = (
        0.6
    )
    feather: Annotated[
        int, Interval(ge=0, le=512), "Pixels over which the dream sets in inside the edge of a mask."
    ] = 24
    variety: Annotated[
        float, Interval(ge=0, le=2), "How far takes of other seeds look for other things within a layer; 0: alike."
    ] = 0.5


@dataclass(frozen=True, slots=True)
class PaintParams:
    """Knobs of painted videos."""

    style: Annotated[
        str,
        Recipe(),
        "Whose manner, by name or words: great_wave, 'a storm at sea'; blended: great_wave:2, starry_night.",
    ] = ""
    size: Annotated[
        int, Interval(ge=0, le=2048), "Longest side of the result in pixels; 0 for the clip's own, up to 1024."
    ] = 0
    scale: Annotated[
        float, Interval(ge=0, le=16), "Size of the strokes, of 1 to 16; 0 chooses it by the clip's size."
    ] = 0.0
    content: Annotated[
        float, Interval(ge=0.5, le=4), "How much of the clip's own forms is kept, against the style."
    ] = 1.5
    colour: Annotated[
        Literal["style", "kept", "light"],
        "Colours of the style, or the clip's own: kept and broken by strokes, or changed in light alone.",
    ] = "style"
    strength: Annotated[float, Interval(ge=0, le=1), "How thick the paint lies over the clip; 1 hides it."] = 1.0
    variety: Annotated[float, Interval(ge=0, le=2), "How far takes stray from the style, each its own way."] = 0.5
    steadiness: Annotated[
        float, Interval(ge=0, le=0.98), "How much of a stroke is carried to the next frame; 0 paints each alone."
    ] = 0.85
