"""The engines a studio knows: found by name, loaded when called.

An engine is a pure function called by keyword: its inputs by name, ``params``, ``seed`` and ``progress``. It returns a
value of its medium: a picture (uint8 array [height, width, 3], sRGB; a fourth channel is alpha), a text (str), a
``Score`` or a ``Video``. Other packages add rows through entry points of group ``vesica.engines``, each naming an
``Engine``.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from vesica.errors import VesicaError, did_you_mean

if TYPE_CHECKING:
    from vesica.work import Medium, Replay, Source


@dataclass(frozen=True, slots=True)
class Input:
    """Something an engine takes besides its knobs.

    unless : a knob and its value with which the input is not needed after all
    alpha : whether a picture may show through (a fourth channel); others are laid over white
    """

    medium: "Medium"
    needed: bool = False
    help: str = ""
    unless: tuple[str, str] | None = None
    alpha: bool = False


@dataclass(frozen=True, slots=True)
class Engine:
    """A row of the table. ``function`` and ``params`` are import paths, ``module:attribute``."""

    name: str
    version: str
    makes: "Medium"
    function: str
    params: str
    replay: "Replay"
    help: str
    inputs: Mapping[str, Input] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    only_with: Mapping[str, str] = field(default_factory=dict)
    """Models that take part only where a text knob says something, and that knob."""
    tolerance: float = 0.0
    """Largest difference a *close* replay may show elsewhere: mean of 0..1 in pictures, else the share of units."""
    settle: str = ""
    """Import path of a function from params to params as a turn records them; it costs no model. Empty: as they are."""
    sources: str = ""
    """Import path of a function from params, as a turn records them, to what they name besides the inputs."""

    def models_for(self, params: Any) -> tuple[str, ...]:
        """The models that take part with these knobs (an instance of ``params``): a credential names no other."""
        silent = {name for name, knob in self.only_with.items() if not getattr(params, knob).strip()}
        return tuple(name for name in self.models if name not in silent)

    def load(self) -> Callable[..., Any]:
        """Import the function; slow for engines that need torch."""
        function: Callable[..., Any] = _attribute(self.function)
        return function

    def load_params(self) -> type[Any]:
        """Import the dataclass of knobs; always fast."""
        loaded: type[Any] = _attribute(self.params)
        return loaded

    def settled(self, params: dict[str, Any]) -> dict[str, Any]:
        """The params as a turn records them: what they name outside themselves is pinned down."""
        if not self.settle:
            return params
        found: dict[str, Any] = _attribute(self.settle)(params)
        return found

    def named(self, params: Mapping[str, Any]) -> "tuple[Source, ...]":
        """What went into a take besides the inputs, because its params name it."""
        found: tuple[Source, ...] = _attribute(self.sources)(params) if self.sources else ()
        return found


def _attribute(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


OURS = (
    Engine(
        "image.field",
        "1",
        "image",
        "vesica.image.field:field",
        "vesica.image.params:FieldParams",
        "close",
        "Painted field: from words and a seed, layers of brush strokes along fields of direction.",
        models=("minilm",),
        only_with={"minilm": "words"},
        tolerance=0.02,
    ),
    Engine(
        "image.dream",
        "3",
        "image",
        "vesica.image.dream:dream",
        "vesica.image.params:DreamParams",
        "close",
        "DeepDream: show a network more of what it already sees in a picture.",
        inputs={
            "picture": Input(
                "image", needed=True, help="the picture to dream into", unless=("start", "noise"), alpha=True
            ),
            "mask": Input("image", help="where to dream: white is full strength, black is kept"),
            "guide": Input("image", help="what to dream of: layers become like this picture"),
        },
        models=("efficientnet-lite0",),
        tolerance=0.05,
    ),
    Engine(
        "image.style",
        "2",
        "image",
        "vesica.image.style:style",
        "vesica.image.params:StyleParams",
        "close",
        "Style by optimisation: a picture painted anew in the manner of one painting, or several.",
        inputs={
            "picture": Input("image", needed=True, help="the picture to paint anew", alpha=True),
            "painting": Input("image", help="a painting whose manner is taken"),
            "painting2": Input("image", help="a second painting"),
            "painting3": Input("image", help="a third painting"),
            "painting4": Input("image", help="a fourth painting"),
            "mask": Input("image", help="where to paint: white is full strength, black is kept"),
            "regions": Input("image", help="plain colours, one a region, styled from dark to light"),
        },
        models=("efficientnet-lite0",),
        tolerance=0.05,
        settle="vesica.image.style_names:settled",
        sources="vesica.image.style_names:sources",
    ),
    Engine(
        "video.dream",
        "2",
        "video",
        "vesica.video.dream:dream",
        "vesica.video.params:DreamParams",
        "close",
        "DeepDream that moves: for ever into a picture, from one dream to another, or over a video.",
        inputs={
            "picture": Input("image", help="the picture to dream into"),
            "other": Input("image", help="the picture that a morph ends in"),
            "clip": Input("video", help="the video to dream over"),
            "mask": Input("image", help="where to dream, of each frame: white is full strength, black is kept"),
        },
        models=("efficientnet-lite0",),
        tolerance=0.08,
    ),
    Engine(
        "music.chorale",
        "1",
        "music",
        "vesica.music.chorale:chorale",
        "vesica.music.params:ChoraleParams",
        "exact",
        "Chorale: four voices over a melody of yours or its own, under the rules of voice leading.",
        inputs={"melody": Input("music", help="what the soprano sings: the top line of its first part")},
        models=("minilm",),
        only_with={"minilm": "words"},
    ),
    Engine(
        "text.write",
        "1",
        "text",
        "vesica.text.write:write",
        "vesica.text.params:WriteParams",
        "close",
        "Writing: next sentences, a title, or rhymed verse that scans, by a small language model.",
        inputs={"text": Input("text", help="what stands so far; prose goes on from its end")},
        models=("smollm2-135m-instruct", "minilm"),
    ),
)


@cache
def engines() -> Mapping[str, Engine]:
    """All engines by name, ours first, then those of installed packages."""
    from importlib.metadata import entry_points  # a fifth of the start of 'vesica --help'

    table = {engine.name: engine for engine in OURS}
    for entry in entry_points(group="vesica.engines"):
        try:
            engine = entry.load()
        except Exception as fault:
            package = entry.dist.name if entry.dist else entry.value
            raise VesicaError(
                f"The engine {entry.name} of the package {package} can't be loaded ({type(fault).__name__}: {fault}); "
                "update the package, or remove it."
            ) from fault
        table.setdefault(engine.name, engine)
    return table


def find(name: str) -> Engine:
    """The engine called ``name``, or a sentence with the nearest name there is."""
    for engine in OURS:
        if engine.name == name:
            return engine  # whatever else is installed, and broken
    if found := engines().get(name):
        return found
    hint = did_you_mean(name, engines(), "see 'vesica engines'.")
    raise VesicaError(f"No engine is called {name[:60]!r}; {hint}")
