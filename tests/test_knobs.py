"""Knobs: every wish becomes a value inside its bounds or one sentence, and values survive JSON."""

import json
import math
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MaxLen
from hypothesis import given
from hypothesis import strategies as st

from vesica.engines import engines
from vesica.errors import VesicaError
from vesica.knobs import LARGEST, LONGEST, Knob, as_json, build, describe, knobs
from vesica.work import Formerly


@dataclass(frozen=True, slots=True)
class Dream:
    """Some of everything."""

    steps: Annotated[int, Interval(ge=1, le=500), "More steps, deeper dream."] = 20
    rate: Annotated[float, Interval(gt=0, le=1), "Mean change of a pixel per step."] = 0.02
    mood: Annotated[Literal["calm", "wild"], "How it goes."] = "calm"
    keep_light: Annotated[bool, "Change colours alone."] = False
    title: Annotated[str, MaxLen(12), "What it is called."] = "dream"
    words: Annotated[str, "What it speaks of."] = ""
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Needy:
    """One knob without a default, one made by a factory, one that is no knob."""

    melody: Annotated[str, Len(1, 3)]
    voices: Annotated[int, Ge(1), Lt(9)] = field(default_factory=lambda: 4)
    held: int = field(init=False, default=0)


@dataclass(frozen=True, slots=True)
class Renamed:
    """A knob that turns of before called otherwise."""

    look_for: Annotated[str, Formerly("layer"), "What is looked for."] = "b8"


def test_a_knob_is_read_by_the_name_it_had_before() -> None:
    assert build(Renamed, {"layer": "e9"}) == build(Renamed, {"look_for": "e9"}) == Renamed("e9")
    assert as_json(Renamed("e9")) == {"look_for": "e9"}
    assert "layer" not in describe(Renamed)[0]


def test_a_dataclass_tells_all_about_its_knobs() -> None:
    steps, rate, mood, keep, title, words, offset = knobs(Dream)
    assert steps == Knob("steps", int, 20, False, 1, 500, help="More steps, deeper dream.")
    assert rate == Knob("rate", float, 0.02, False, 0, 1, True, help="Mean change of a pixel per step.")
    assert (mood.type, mood.choices, mood.default) == (str, ("calm", "wild"), "calm")
    assert (keep.type, keep.default) == (bool, False)
    assert (title.high, words.high, offset.low, offset.high) == (12, LONGEST, None, None)
    melody, voices = knobs(Needy)
    assert (melody.needed, melody.low, melody.high) == (True, 1, 3)
    assert (voices.default, voices.low, voices.high, voices.high_open) == (4, 1, 9, True)


def test_help_lines_stand_in_columns() -> None:
    lines = describe(Dream)
    assert [" ".join(line.split()) for line in lines[:4]] == [
        "--steps 1 to 500 [20] More steps, deeper dream.",
        "--rate above 0, up to 1 [0.02] Mean change of a pixel per step.",
        "--mood calm or wild [calm] How it goes.",
        "--keep-light true or false [false] Change colours alone.",
    ]
    assert len({line.index("[") for line in lines}) == 1
    assert "[needed]" in describe(Needy)[0]
    assert describe(make_dataclass("None_", [])) == ()


@pytest.mark.parametrize(
    ("marks", "span"),
    [
        (("Help alone.",), "a number"),
        ((Ge(2),), "2 or more"),
        ((Gt(2.5),), "above 2.5"),
        ((Le(3),), "up to 3"),
        ((Lt(3),), "below 3"),
        ((Ge(-1), Lt(1)), "-1 or more, below 1"),
        ((Gt(0), Lt(1)), "above 0, below 1"),
    ],
)
def test_bounds_are_said_in_words(marks: tuple[Any, ...], span: str) -> None:
    cls = make_dataclass("P", [("x", Annotated[(float, *marks)], 1.0)])
    assert knobs(cls)[0].range == span


@pytest.mark.parametrize(
    ("wishes", "sentence"),
    [
        ({"steps": 9000}, "steps must be 1 to 500; 9000 is not."),
        ({"steps": "9000"}, "steps must be 1 to 500; 9000 is not."),
        ({"steps": 0}, "steps must be 1 to 500; 0 is not."),
        ({"steps": 2.5}, "steps must be 1 to 500; 2.5 is not."),
        ({"steps": "many"}, "steps must be 1 to 500; 'many' is not."),
        ({"steps": True}, "steps must be 1 to 500; True is not."),
        ({"steps": None}, "steps must be 1 to 500; None is not."),
        ({"steps": [1]}, "steps must be 1 to 500; [1] is not."),
        ({"steps": 10**400}, "steps must be 1 to 500; 1000"),
        ({"steps": "1_0"}, "steps must be 1 to 500; '1_0' is not."),
        ({"steps": "٣"}, "steps must be 1 to 500; '٣' is not."),
        ({"rate": 0}, "rate must be above 0, up to 1; 0 is not."),
        ({"rate": math.nan}, "rate must be above 0, up to 1; nan is not."),
        ({"rate": "nan"}, "rate must be above 0, up to 1; 'nan' is not."),
        ({"offset": math.inf}, "offset must be a number; inf is not."),
        ({"offset": "-inf"}, "offset must be a number; '-inf' is not."),
        ({"offset": "1e999"}, "offset must be a number; 1e999 is not."),
        ({"offset": 10**400}, "offset must be a number; 1000"),
        ({"offset": False}, "offset must be a number; False is not."),
        ({"mood": "wlid"}, "mood can't be 'wlid'; did you mean wild?"),
        ({"mood": "zzz"}, "mood can't be 'zzz'; choose calm or wild."),
        ({"mood": 1}, "mood must be calm or wild; 1 is not."),
        ({"keep_light": 1}, "keep_light must be true or false; 1 is not."),
        ({"keep_light": "maybe"}, "keep_light must be true or false; 'maybe' is not."),
        ({"title": "x" * 13}, "title must be text of up to 12 characters; this one has 13."),
        ({"words": "x" * (LONGEST + 1)}, "words must be text of up to 20,000 characters; this one has 20,001."),
        ({"words": "a\0b"}, "words has a character that is no text"),
        ({"words": "a\ud800b"}, "words has a character that is no text"),
        ({"words": 7}, "words must be text of up to 20,000 characters; 7 is not."),
        ({"step": 3}, "There is no knob 'step'; did you mean steps?"),
        ({"keep-lite": 3}, "There is no knob 'keep-lite'; did you mean keep_light?"),
        ({"qqq": 3}, "There is no knob 'qqq'; there are steps, rate, mood"),
        ({"a\nb\ud800": 3}, "There is no knob 'a\\nb\\ud800'; "),
    ],
)
def test_a_wish_that_can_t_be_had_is_one_sentence(wishes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(VesicaError) as fault:
        build(Dream, wishes)
    assert str(fault.value).startswith(sentence)
    assert "\n" not in str(fault.value) and len(str(fault.value)) < 300
    str(fault.value).encode("utf-8")


def test_what_must_be_given_is_asked_for() -> None:
    with pytest.raises(VesicaError, match="melody must be given: text of 1 to 3 characters"):
        build(Needy, {})
    assert build(Needy, {"melody": "abc"}) == Needy("abc")
    with pytest.raises(VesicaError, match="no knob 'held'"):
        build(Needy, {"melody": "abc", "held": 1})
    with pytest.raises(VesicaError, match="this engine has none"):
        build(make_dataclass("None_", []), {"x": 1})


def test_wishes_from_a_command_line_and_from_json_are_the_same() -> None:
    flags = {"steps": " 30 ", "rate": "5e-1", "mood": "wild", "keep_light": "Yes", "title": "A", "offset": "-.5"}
    told = {"steps": 30.0, "rate": 0.5, "mood": "wild", "keep_light": True, "title": "A", "offset": -0.5}
    assert build(Dream, flags) == build(Dream, told) == Dream(30, 0.5, "wild", True, "A", "", -0.5)
    assert type(build(Dream, told).steps) is int and type(build(Dream, {"rate": 1}).rate) is float


def test_no_wish_leaves_every_default() -> None:
    assert build(Dream, {}) == Dream()


def test_minus_zero_is_zero() -> None:
    assert math.copysign(1, build(Dream, {"offset": -0.0}).offset) == 1


@pytest.mark.parametrize("kind", [list[int], bytes, int | None, Literal[1, 2], dict, Any])
def test_a_field_of_another_type_is_our_bug(kind: Any) -> None:
    with pytest.raises(TypeError, match="x can't be a knob"):
        knobs(make_dataclass("P", [("x", kind, None)]))


@pytest.mark.parametrize("name", list(engines()))
def test_the_knobs_of_every_engine_can_be_read_and_have_help(name: str) -> None:
    engine = engines()[name]
    try:
        params = engine.load_params()
    except AttributeError:
        pytest.skip(f"{name} is not built yet")
    assert all(knob.help for knob in knobs(params))
    assert build(params, as_json(params())) == params()


def numbers(kind: type) -> st.SearchStrategy[Any]:
    return st.integers(-LARGEST, LARGEST) if kind is int else st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def params_classes(draw: st.DrawFn) -> Any:
    """A dataclass of up to six knobs of all kinds with bounds that hold their defaults."""
    rows: list[tuple[str, Any, Any]] = []
    for place in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from([int, float, bool, str, Literal]))
        name = f"k{place}"
        if kind in (int, float):
            low, default, high = sorted(draw(st.tuples(*[numbers(kind)] * 3)))
            marks = [draw(st.sampled_from([Ge(low), None])), draw(st.sampled_from([Le(high), None]))]
            if low < default < high and draw(st.booleans()):
                marks = [Interval(gt=low, lt=high), None]
            rows.append((name, Annotated[(kind, *[mark for mark in marks if mark], "Help.")], default))
        elif kind is bool:
            rows.append((name, bool, draw(st.booleans())))
        elif kind is str:
            rows.append((name, Annotated[str, MaxLen(20)], draw(st.text(max_size=20).filter(lambda t: "\0" not in t))))
        else:
            choices = draw(st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=4, unique=True))
            rows.append((name, Literal[tuple(choices)], draw(st.sampled_from(choices))))
    return make_dataclass("Drawn", [(name, kind, field(default=default)) for name, kind, default in rows], frozen=True)


@given(cls=params_classes())
def test_values_survive_json_and_the_command_line(cls: Any) -> None:
    told = as_json(cls())
    assert build(cls, json.loads(json.dumps(told, allow_nan=False))) == cls()
    assert build(cls, {name: str(value) for name, value in told.items()}) == cls()


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(alphabet=st.characters(), max_size=30),
    st.sampled_from(["nan", "1e5", "-0", "true", "calm", "0.5", "1" * 500, "\ud800", "x" * 13, 10**400]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(cls=params_classes(), wishes=st.dictionaries(st.sampled_from([f"k{n}" for n in range(8)]), JUNK, max_size=4))
def test_any_wish_becomes_a_value_in_bounds_or_one_sentence(cls: Any, wishes: dict[str, Any]) -> None:
    try:
        made = build(cls, wishes)
    except VesicaError as fault:
        assert "\n" not in str(fault) and str(fault).endswith((".", "?"))
        str(fault).encode("utf-8")
        return
    for knob in knobs(cls):
        value = getattr(made, knob.name)
        assert type(value) is knob.type
        if knob.type in (int, float):
            assert math.isfinite(value)
            assert knob.low is None or value > knob.low or (value == knob.low and not knob.low_open)
            assert knob.high is None or value < knob.high or (value == knob.high and not knob.high_open)
        assert not knob.choices or value in knob.choices
    json.dumps(as_json(made), allow_nan=False).encode("utf-8")


@given(cls=params_classes())
def test_help_can_be_printed_for_any_knobs(cls: Any) -> None:
    assert len(describe(cls)) == len(knobs(cls))
    "\n".join(describe(cls)).encode("utf-8")


def test_the_knobs_that_hold_a_person_s_words_are_known() -> None:
    held = {
        name: {knob.name for knob in knobs(engine.load_params()) if knob.words} for name, engine in engines().items()
    }
    assert {name: words for name, words in held.items() if words} == {
        "image.field": {"words"},
        "text.write": {"about"},
        "music.chorale": {"words"},
    }
