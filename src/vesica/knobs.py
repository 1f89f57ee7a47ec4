"""Knobs: what a person can turn on an engine, read from its params dataclass.

Flags, web form, API and ledger derive from the same declaration::

    steps: Annotated[int, Interval(ge=1, le=500), "More steps, deeper dream."] = 20

Fields are ``int``, ``float``, ``bool``, ``str`` or ``Literal`` of strings.
"""

import dataclasses
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen

from vesica.errors import VesicaError
from vesica.work import Formerly, Recipe

LONGEST = 20_000
"""Characters of a text knob that says nothing of its length."""

LARGEST = 2**53 - 1
"""The largest whole number that JSON carries safely everywhere."""

YES = frozenset({"true", "yes", "on", "1"})
NO = frozenset({"false", "no", "off", "0"})
WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
DECIMAL = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Knob:
    """One knob.

    type : int, float, bool or str
    low, high : bounds of a number, or of the length of a text; None where there is none
    low_open, high_open : whether the bound itself is outside
    choices : all values of a str that is a choice
    formerly : its name in turns of before; empty where it never had another
    words : whether a person says here in words what they want, which is theirs to keep
    default : None where the person must say (``needed``)
    """

    name: str
    type: type[Any]
    default: Any = None
    needed: bool = False
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""
    formerly: str = ""
    words: bool = False

    @property
    def range(self) -> str:
        """The values it can take, for people: ``1 to 500``, ``above 0, up to 1``, ``calm or wild``."""
        if self.type is bool:
            return "true or false"
        if self.choices:
            return _either(self.choices)
        if self.type is str:
            low = f"{_count(self.low)} to " if self.low else "up to "
            return f"text of {low}{_count(self.high)} characters"
        if self.low is None and self.high is None:
            return "a whole number" if self.type is int else "a number"
        if self.low is None:
            return f"{'below' if self.high_open else 'up to'} {_number(self.high)}"
        low, high = _number(self.low), _number(self.high)
        if self.high is not None and not self.low_open and not self.high_open:
            return f"{low} to {high}"
        above = f"above {low}" if self.low_open else f"{low} or more"
        return above if self.high is None else f"{above}, {'below' if self.high_open else 'up to'} {high}"

    def read(self, wish: Any) -> Any:
        """The value a wish (text of a flag, or a JSON value) stands for. Raises ``VesicaError`` where it can't be."""
        if self.type is bool:
            return self._read_bool(wish)
        return self._read_text(wish) if self.type is str else self._read_number(wish)

    def _read_bool(self, wish: Any) -> bool:
        if isinstance(wish, bool):
            return wish
        told = wish.strip().lower() if isinstance(wish, str) else None
        if told in YES or told in NO:
            return told in YES
        raise self._refusal(wish)

    def _read_number(self, wish: Any) -> int | float:
        number = _parsed(wish)
        # JSON knows no difference between 20 and 20.0.
        if self.type is int and number is not None:
            number = int(number) if number == int(number) and abs(number) <= LARGEST else None
        elif number is not None:
            number = float(number) + 0.0  # minus zero becomes zero, the only one canonical JSON has
        if number is None or not self._holds(number):
            raise self._refusal(wish)
        return number

    def _read_text(self, wish: Any) -> str:
        if not isinstance(wish, str):
            raise self._refusal(wish)
        if self.choices:
            if wish in self.choices:
                return wish
            near = difflib.get_close_matches(wish[:100], self.choices, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else f"choose {_either(self.choices)}."
            raise VesicaError(f"{self.name} can't be {_shown(wish)}; {hint}")
        if not (self.low or 0) <= len(wish) <= (self.high or 0):
            raise VesicaError(f"{self.name} must be {self.range}; this one has {_count(len(wish))}.")
        if "\0" in wish or re.search("[\ud800-\udfff]", wish):
            raise VesicaError(f"{self.name} has a character that is no text (a NUL or half a pair); remove it.")
        return wish

    def _holds(self, number: int | float) -> bool:
        if self.low is not None and (number < self.low or (self.low_open and number == self.low)):
            return False
        return self.high is None or not (number > self.high or (self.high_open and number == self.high))

    def _refusal(self, wish: Any) -> VesicaError:
        return VesicaError(f"{self.name} must be {self.range}; {_shown(wish)} is not.")


def knobs(cls: type[Any]) -> tuple[Knob, ...]:
    """The knobs of a params dataclass, in its order. Raises ``TypeError`` where a field can't be one: that is a bug."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_knob(item, hints[item.name]) for item in dataclasses.fields(cls) if item.init)


def build(cls: type[Any], wishes: Mapping[str, Any]) -> Any:
    """An instance of a params dataclass from a person's wishes; what is not wished for keeps its default.

    Parameters
    ----------
    cls : a params dataclass
    wishes : values by knob, as text from a command line or as JSON values

    Raises
    ------
    VesicaError : one sentence for the first wish that can't be had, with what can
    """
    table = {knob.name: knob for knob in knobs(cls)}
    renamed = {knob.formerly: knob.name for knob in table.values() if knob.formerly}
    values = {}
    for told, wish in wishes.items():
        name = renamed.get(told, told)
        if name not in table:
            raise VesicaError(f"There is no knob {_shown(name)}; {_hint(name, table)}")
        values[name] = table[name].read(wish)
    for knob in table.values():
        if knob.needed and knob.name not in values:
            raise VesicaError(f"{knob.name} must be given: {knob.range}.")
    return cls(**values)


def as_json(instance: Any) -> dict[str, Any]:
    """The values of all knobs, as JSON has them: ``build(type(p), as_json(p)) == p``."""
    return {knob.name: getattr(instance, knob.name) for knob in knobs(type(instance))}


def describe(cls: type[Any]) -> tuple[str, ...]:
    """One line per knob for a help text: ``--steps  1 to 500  [20]  More steps, deeper dream.``"""
    rows = [
        (
            "--" + knob.name.replace("_", "-"),
            knob.range,
            "[needed]" if knob.needed else f"[{_default(knob)}]",
            knob.help,
        )
        for knob in knobs(cls)
    ]
    widths = [max((len(row[place]) for row in rows), default=0) for place in range(3)]
    return tuple(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
        for row in rows
    )


def _knob(item: "dataclasses.Field[Any]", hint: Any) -> Knob:
    kind_of, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    told: dict[str, Any] = {"needed": False}
    if item.default is not MISSING:
        told["default"] = item.default
    elif item.default_factory is not MISSING:
        told["default"] = item.default_factory()
    else:
        told["needed"] = True
    told["help"] = next((extra for extra in extras if isinstance(extra, str)), "")
    for mark in _flat(extras):
        match mark:
            case Ge(bound) | MinLen(bound):
                told |= {"low": bound, "low_open": False}
            case Gt(bound):
                told |= {"low": bound, "low_open": True}
            case Le(bound) | MaxLen(bound):
                told |= {"high": bound, "high_open": False}
            case Lt(bound):
                told |= {"high": bound, "high_open": True}
            case Formerly(name):
                told["formerly"] = name
            case _:
                pass
    if get_origin(kind_of) is Literal and all(isinstance(choice, str) for choice in get_args(kind_of)):
        return Knob(item.name, str, choices=get_args(kind_of), **told)
    if kind_of not in (int, float, bool, str):
        raise TypeError(f"{item.name} can't be a knob: {kind_of!r} is none of int, float, bool, str, Literal.")
    if kind_of is str:
        told.setdefault("high", LONGEST)
        told["words"] = not any(isinstance(extra, Recipe) for extra in extras)
    return Knob(item.name, kind_of, **told)


def _parsed(wish: Any) -> int | float | None:
    """The finite number that a text or a JSON value is, or None."""
    if isinstance(wish, str):
        told = wish.strip()
        wish = int(told) if WHOLE.fullmatch(told) else float(told) if DECIMAL.fullmatch(told) else None
    if isinstance(wish, bool) or not isinstance(wish, int | float) or not abs(wish) < 1e308:
        return None
    return wish


def _flat(extras: list[Any]) -> Iterator[Any]:
    for extra in extras:
        if isinstance(extra, GroupedMetadata):
            yield from _flat(list(extra))
        else:
            yield extra


def _hint(name: Any, table: Mapping[str, Knob]) -> str:
    near = difflib.get_close_matches(str(name)[:100].replace("-", "_"), table, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return f"there are {_either(tuple(table), 'and')}." if table else "this engine has none."


def _either(words: tuple[str, ...], joint: str = "or") -> str:
    return f"{', '.join(words[:-1])} {joint} {words[-1]}" if len(words) > 1 else "".join(words)


def _shown(wish: Any) -> str:
    """A wish in a sentence: short, on one line, printable anywhere."""
    text = f"{wish!r}" if isinstance(wish, str) and not _is_number(wish) else str(wish)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _is_number(text: str) -> bool:
    return bool(DECIMAL.fullmatch(text.strip()))


def _number(bound: float | None) -> str:
    return f"{bound:g}" if isinstance(bound, float) and abs(bound) < 1e15 else str(bound)


def _count(number: float | None) -> str:
    return f"{int(number or 0):,}"


def _default(knob: Knob) -> str:
    match knob.default:
        case bool() as on:
            return str(on).lower()
        case str() as text:
            return _shown(text)[1:-1] if not _is_number(text) else text
        case value:
            return str(value)
