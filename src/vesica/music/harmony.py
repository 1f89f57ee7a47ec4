"""Chords of a key and what follows what, priced for a search: 0 is the usual thing, 40 what nobody writes.

Functional harmony as it is taught from Bach's chorales: tonic, predominant, dominant, tonic; applied dominants that
go where they point; six-four chords only where the bass lies still or walks. Prices order choices, no more.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product

from vesica.music.score import ZERO, Key, Mode

SHAPES = {
    # fifths above the root of root, third, fifth and seventh
    "M": (0, 4, 1),
    "m": (0, -3, 1),
    "d": (0, -3, -6),
    "7": (0, 4, 1, -2),
    "m7": (0, -3, 1, -2),
    "h7": (0, -3, -6, -2),
    "d7": (0, -3, -6, -9),
    "M7": (0, 4, 1, 5),
}

ROWS: dict[Mode, tuple[tuple[str, int, str, int, int, int], ...]] = {
    # numeral, root in fifths above the tonic, shape, degree, degree it is applied to (0: none), price
    "major": (
        ("I", 0, "M", 1, 0, 0),
        ("ii", 2, "m", 2, 0, 1),
        ("iii", 4, "m", 3, 0, 6),
        ("IV", -1, "M", 4, 0, 0),
        ("V", 1, "M", 5, 0, 0),
        ("vi", 3, "m", 6, 0, 1),
        ("vii", 5, "d", 7, 0, 3),
        ("V7", 1, "7", 5, 0, 1),
        ("ii7", 2, "m7", 2, 0, 2),
        ("vii7", 5, "h7", 7, 0, 8),
        ("IV7", -1, "M7", 4, 0, 9),
        ("vi7", 3, "m7", 6, 0, 9),
        ("V/V", 2, "M", 2, 5, 4),
        ("V7/V", 2, "7", 2, 5, 4),
        ("vii/V", 6, "d", 4, 5, 6),
        ("vii7/V", 6, "d7", 4, 5, 8),
        ("V/vi", 4, "M", 3, 6, 5),
        ("V7/vi", 4, "7", 3, 6, 5),
        ("vii7/vi", 8, "d7", 5, 6, 8),
        ("V7/IV", 0, "7", 1, 4, 6),
        ("V/ii", 3, "M", 6, 2, 7),
        ("V7/ii", 3, "7", 6, 2, 6),
        ("vii/ii", 7, "d", 1, 2, 9),
    ),
    "minor": (
        ("i", 0, "m", 1, 0, 0),
        ("ii", 2, "d", 2, 0, 3),
        ("ii7", 2, "h7", 2, 0, 1),
        ("III", -3, "M", 3, 0, 3),
        ("iv", -1, "m", 4, 0, 0),
        ("IV", -1, "M", 4, 0, 9),
        ("V", 1, "M", 5, 0, 0),
        ("v", 1, "m", 5, 0, 10),
        ("VI", -4, "M", 6, 0, 1),
        ("VII", -2, "M", 7, 3, 3),
        ("vii", 5, "d", 7, 0, 3),
        ("V7", 1, "7", 5, 0, 1),
        ("vii7", 5, "d7", 7, 0, 3),
        ("iv7", -1, "m7", 4, 0, 8),
        ("VII7", -2, "7", 7, 3, 3),
        ("V/iv", 0, "M", 1, 4, 8),
        ("V7/iv", 0, "7", 1, 4, 6),
        ("V/V", 2, "M", 2, 5, 8),
        ("V7/V", 2, "7", 2, 5, 7),
        ("vii7/V", 6, "d7", 4, 5, 7),
        ("V7/VI", -3, "7", 3, 6, 7),
        ("V7/VII", -1, "7", 4, 7, 9),
    ),
}

PICARDY = ("I!", 0, "M", 1, 0, 0)

FOLLOWS = {
    # price of a root on degree 1..7 after a root on the degree that is the key
    1: (6, 1, 6, 0, 0, 1, 3),
    2: (14, 6, 14, 14, 0, 12, 2),
    3: (14, 8, 6, 2, 14, 0, 14),
    4: (3, 2, 14, 6, 0, 12, 2),
    5: (0, 30, 20, 20, 6, 4, 14),
    6: (10, 0, 10, 0, 3, 6, 6),
    7: (0, 20, 12, 20, 4, 12, 6),
}

SIX_FOUR = 12


@dataclass(frozen=True, eq=False)
class Chord:
    """A chord of a key. ``lines`` are the places of root, third, fifth and seventh on the line of fifths.

    There is one of each (``figures`` keeps them), so that they are told apart by identity, which is quick.
    """

    numeral: str
    lines: tuple[int, ...]
    degree: int
    goal: int
    price: int
    leading: int | None
    """Which of ``lines`` is a leading tone."""
    seventh_free: bool = False
    """Whether the seventh may enter by a leap: a dominant's."""


@dataclass(frozen=True, eq=False)
class Figure:
    """A chord with a tone of it in the bass: 0 root, 1 third, 2 fifth, 3 seventh."""

    chord: Chord
    inversion: int

    @cached_property
    def price(self) -> int:
        """Of being there at all."""
        chord, low = self.chord, self.inversion
        if len(chord.lines) == 4:
            return chord.price + ((0, 1, 4, 2) if chord.seventh_free else (0, 0, 9, 4))[low]
        if chord.lines[2] - chord.lines[0] == -6:
            # Diminished triads sound in first inversion.
            return chord.price + (12, 0, 14)[low]
        return chord.price + (0, 1, SIX_FOUR)[low]

    @cached_property
    def six_four(self) -> bool:
        """Whether it is a triad over its fifth."""
        return self.inversion == 2 and len(self.chord.lines) == 3


def home(key: Key) -> int:
    """The tonic's place on the line of fifths."""
    return key.fifths + (3 if key.mode == "minor" else 0)


def _chord(row: tuple[str, int, str, int, int, int], tonic: int) -> Chord:
    numeral, root, shape, degree, goal, price = row
    lines = tuple(tonic + root + tone for tone in SHAPES[shape])
    dominant = goal > 0 or (degree == 5 and shape in ("M", "7"))
    leading = 0 if shape[0] in "dh" and numeral != "ii" and numeral != "ii7" else 1 if dominant else None
    return Chord(numeral, lines, degree, goal, price, leading, dominant or leading == 0)


def figures(key: Key) -> tuple[Figure, ...]:
    """All chords of a key in all inversions; in minor with the major tonic (``is_picardy``)."""
    return _figures(key.fifths, key.mode)


def foreign_figures(key: Key) -> tuple[Figure, ...]:
    """Triads and dominant sevenths on every root, for notes that no chord of the key holds."""
    return _foreign(home(key))


def is_picardy(figure: Figure) -> bool:
    """Whether it is the major tonic of a minor key, fit for a last chord only."""
    return figure.chord.numeral == PICARDY[0]


@cache
def _figures(fifths: int, mode: Mode) -> tuple[Figure, ...]:
    rows = (*ROWS[mode], PICARDY) if mode == "minor" else ROWS[mode]
    chords = [_chord(row, home(Key(ZERO, fifths, mode))) for row in rows]
    return tuple(Figure(chord, low) for chord in chords for low in range(len(chord.lines)))


@cache
def _foreign(tonic: int) -> tuple[Figure, ...]:
    found = []
    for root, shape in product(range(-5, 7), ("M", "m", "7")):
        lines = tuple(tonic + root + tone for tone in SHAPES[shape])
        chord = Chord(f"{root}{shape}", lines, 0, 0, 30, 1 if shape == "7" else None, shape == "7")
        found += [Figure(chord, low) for low in range(2)]
    return tuple(found)


@cache
def progression(one: Figure, other: Figure) -> int:
    """The price of one figure followed by another, whatever the beat."""
    first, second = one.chord, other.chord
    if first == second:
        return 0
    if first.degree == 0 or second.degree == 0:
        return 12
    if first.lines[0] == second.lines[0] and first.goal == second.goal:
        # A seventh may join its triad, and does not leave it again.
        return 1 if len(second.lines) > len(first.lines) else 12
    if second.degree == 1 and other.six_four and first.degree in (2, 4, 1, 6):
        return 2
    if first.goal:
        return _applied(first, second, other)
    if one.six_four and first.degree == 1:
        return 0 if second.degree == 5 and other.inversion == 0 and not second.goal else 25
    if second.goal:
        # Any chord of the key may lead there, best one that stands a step or a fifth away.
        return 2 if first.degree in (1, 6, second.goal) or first.degree == second.degree else 5
    if first.degree == 5 and second.degree == 4 and other.inversion == 1:
        return 6
    if first.numeral == "v":
        return 0 if second.degree == 6 or (second.degree == 4 and other.inversion == 1) else 20
    return FOLLOWS[first.degree][second.degree - 1]


def _applied(first: Chord, second: Chord, other: Figure) -> int:
    if second.degree == first.goal and first.goal != 5:
        return 0
    if first.goal == 5 and ((second.degree == 5 and not second.goal) or (second.degree == 1 and other.six_four)):
        return 0
    if second.goal == first.goal:
        return 2
    if second.goal and second.degree == first.goal:
        return 3
    if first.numeral.startswith("VII"):
        return 4 if second.degree in (1, 6) else 12
    if first.goal == 6 and second.degree == 4 and not second.goal:
        return 6
    return 35


CADENCES = ("authentic", "half", "tonicised", "deceptive", "plagal")


@cache
def cadence(one: Figure, other: Figure) -> str | None:
    """Which cadence two figures make, ``other`` being a phrase's last; None where they make none."""
    first, second = one.chord, other.chord
    if other.inversion or len(second.lines) != 3 or second.leading == 0 or second.degree == 0:
        return None
    dominant = first.degree == 5 and first.goal == 0 and first.leading == 1 and one.inversion == 0
    if second.degree == 1 and second.goal == 0:
        if dominant:
            return "authentic"
        return "plagal" if first.degree == 4 and one.inversion == 0 and first.goal == 0 else None
    if first.goal == second.degree and one.inversion == 0 and first.leading == 1 and second.goal == 0:
        return "tonicised"
    if second.degree == 5 and second.leading == 1 and first.degree in (1, 2, 4, 6) and first.goal in (0, 5):
        return "half"
    if second.degree == 6 and dominant and second.goal == 0:
        return "deceptive"
    return None
