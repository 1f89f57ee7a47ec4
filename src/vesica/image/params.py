"""What a person can turn on each image engine."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval

from vesica.work import Formerly, Recipe

Composition = Literal["any", "shore", "hills", "vortex", "bloom", "grove", "drapery", "stones"]


@dataclass(frozen=True, slots=True)
class FieldParams:
    """Knobs of the painted field."""

    words: Annotated[str, "What the painting should speak of, in any words; empty: colours chosen by the seed."] = ""
    width: Annotated[int, Interval(ge=64, le=4096), "Width in pixels."] = 1024
    height: Annotated[int, Interval(ge=64, le=4096), "Height in pixels."] = 1024
    composition: Annotated[Composition, "What the strokes build; any: chosen by words and seed."] = "any"
    brush: Annotated[float, Interval(ge=0.5, le=2), "Width of all brushes; 1 is usual."] = 1.0
    turbulence: Annotated[float, Interval(ge=0, le=2), "How much the paint swirls; 0 is still, 1 is usual."] = 1.0
    detail: Annotated[float, Interval(ge=0, le=1), "How far small brushes go over the large ones."] = 0.6
    impasto: Annotated[float, Interval(ge=0, le=1), "How thick the paint lies and catches the light."] = 0.5


@dataclass(frozen=True, slots=True)
class DreamParams:
    """Knobs of DeepDream."""

    look_for: Annotated[
        str,
        Formerly("layer"),
        Recipe(),
        "A layer (e5 cells, b8 scales and beads, e9 fur and eyes, e11 animals), a channel (e9:123), a unit "
        "(e9:123@0.5,0.5), a thing (lighthouse), or a sum: b8 + 0.5*e9:123 - 0.2*b4. See 'vesica atlas'.",
    ] = "b8"
    start: Annotated[Literal["picture", "noise"], "What the dream begins from; noise needs no picture."] = "picture"
    width: Annotated[int, Interval(ge=64, le=8192), "Width in pixels, where there is no picture."] = 512
    height: Annotated[int, Interval(ge=64, le=8192), "Height in pixels, where there is no picture."] = 512
    size: Annotated[
        int,
        Interval(ge=0, le=8192),
        "Longest side worked at in pixels, 0 for the picture's own; smaller: larger creatures.",
    ] = 512
    octaves: Annotated[int, Interval(ge=1, le=8), "Scales dreamed at, small to large."] = 4
    ratio: Annotated[float, Interval(ge=1.1, le=2), "Each scale is larger than the last by this."] = 1.4
    steps: Annotated[
        int,
        Interval(ge=0, le=200),
        "Steps at each scale; more is a deeper dream. 0: 12, or 64 to 12, small to large, for a thing by its name.",
    ] = 0
    rate: Annotated[float, Interval(gt=0, le=0.2), "Mean change of a pixel per step, of a range of 1."] = 0.008
    jitter: Annotated[
        int, Interval(ge=0, le=64), "The view moves by up to this many pixels each step, hiding the grid."
    ] = 16
    feather: Annotated[
        int, Interval(ge=0, le=512), "Pixels over which the dream sets in inside the edge of a mask."
    ] = 24
    colour: Annotated[float, Interval(ge=0, le=1), "How much the dream may change colours; 0 changes light alone."] = (
        0.7
    )
    variety: Annotated[
        float, Interval(ge=0, le=2), "How far takes of other seeds look for other things within a layer; 0: alike."
    ] = 0.5


@dataclass(frozen=True, slots=True)
class StyleParams:
    """Knobs of style by optimisation."""

    style: Annotated[
        str,
        Recipe(),
        "Whose manner, by name or words: great_wave, 'a storm at sea'; several with weights: great_wave:2, "
        "starry_night; by region, dark to light: great_wave | keep.",
    ] = ""
    size: Annotated[int, Interval(ge=0, le=8192), "Longest side of the result in pixels; 0 for the picture's own."] = 0
    steps: Annotated[int, Interval(ge=8, le=2000), "Steps in all; more comes nearer to the style."] = 320
    scale: Annotated[float, Interval(ge=0.25, le=4), "Size of the strokes; 1 is as in the painting."] = 1.0
    content: Annotated[float, Interval(ge=0, le=20), "How much of the picture's own forms is kept."] = 1.0
    colour: Annotated[
        Literal["style", "kept", "light"],
        "Colours of the style, or the picture's own: kept and broken by strokes, or changed in light alone.",
    ] = "style"
    start: Annotated[
        Literal["content", "noise", "style"],
        "What is painted over: the picture, noise, or the style's own forms.",
    ] = "content"
    feather: Annotated[int, Interval(ge=0, le=512), "Pixels over which the paint sets in inside a mask's edge."] = 24
    network: Annotated[
        Literal["efficientnet-lite0", "vgg"], "What sees: ours, or a VGG whose file VESICA_VGG names."
    ] = "efficientnet-lite0"


@dataclass(frozen=True, slots=True)
class PaintParams:
    """Knobs of style in one pass."""

    style: Annotated[
        str,
        Recipe(),
        "Whose manner, by name or words: great_wave, 'a storm at sea'; blended: great_wave:2, starry_night.",
    ] = ""
    size: Annotated[int, Interval(ge=0, le=8192), "Longest side of the result in pixels; 0 for the picture's own."] = 0
    scale: Annotated[
        float, Interval(ge=0, le=16), "Size of the strokes, of 1 to 16; 0 chooses it by the picture's size."
    ] = 0.0
    content: Annotated[
        float, Interval(ge=0.5, le=4), "How much of the picture's own forms is kept, against the style."
    ] = 1.5
    colour: Annotated[
        Literal["style", "kept", "light"],
        "Colours of the style, or the picture's own: kept and broken by strokes, or changed in light alone.",
    ] = "style"
    strength: Annotated[float, Interval(ge=0, le=1), "How thick the paint lies over the picture; 1 hides it."] = 1.0
    fit: Annotated[
        int, Interval(ge=0, le=200), "Steps in which the style is learned anew on this picture; 0 for one pass."
    ] = 0
    variety: Annotated[float, Interval(ge=0, le=2), "How far takes stray from the style, each its own way."] = 0.5
    feather: Annotated[int, Interval(ge=0, le=512), "Pixels over which the paint sets in inside a mask's edge."] = 24
