"""Alto, tenor and bass under a soprano: the cheapest way through all voicings of all chords, beat by beat.

A beam search on the lines of Viterbi: every voicing of a beat meets every kept voicing of the beat before, all pairs
at once as integer arrays, so that the result is the same everywhere. What voice leading forbids costs ``FORBIDDEN``;
it is done only where nothing else is left.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

from vesica.music.harmony import Figure, cadence, progression
from vesica.music.score import Pitch, pitch_on_line
from vesica.music.voice_leading import SIZES

FORBIDDEN = 100_000

KEPT = 160
"""Voicings of a beat that go on."""

PER_FIGURE = 14
"""Voicings of a chord that are tried."""

ALTO, TENOR, BASS = (55, 74), (48, 67), (40, 62)
"""Where the search lets each voice sing: a little inside what the rules allow."""

Ints = NDArray[np.int32]

STEP_COST = np.array([1, 0, 0, 3, 3, 6, 14, 10] + [30] * 60, np.int32)
"""Price of an inner voice's move by semitones."""

BASS_COST = np.array([5, 0, 0, 3, 3, 4, 9, 4, 10, 10, 40, 40, 6] + [60] * 60, np.int32)

LARGEST_PERFECT = np.array([SIZES[steps % 7] + 12 * (steps // 7) for steps in range(80)], np.int32)


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of time for one chord.

    first, last : the soprano when it begins and when it ends
    others : keys that the soprano sings after ``first``
    held : the soprano's note began before it
    strength : 3 on the first beat of a bar, 2 in its middle, 1 on another beat, 0 between beats
    choices : figures that may stand here with what each costs, beside its own price
    ends : where a phrase ends, price of each cadence; else empty
    begins : a phrase begins here
    prepares : the next slot ends a phrase
    """

    start: Fraction
    end: Fraction
    first: Pitch
    last: Pitch
    held: bool
    strength: int
    choices: tuple[tuple[Figure, int], ...]
    others: tuple[int, ...] = ()
    ends: Mapping[str, int] = field(default_factory=dict)
    begins: bool = False
    prepares: bool = False


@dataclass(frozen=True, slots=True)
class Voiced:
    """A slot's chord, and what alto, tenor and bass sing."""

    figure: Figure
    lower: tuple[Pitch, Pitch, Pitch]


@cache
def voicings(figure: Figure, soprano: int, others: tuple[int, ...] = ()) -> tuple[tuple[int, int, int, int], ...]:
    """The best ways to lay out a chord under a soprano (a key): price, alto, tenor, bass; best first.

    ``others`` are keys that the soprano moves on to while the chord lasts. A soprano outside the chord is left to its
    own; then the others sing the whole chord. One out of range is crossed.
    """
    chord = figure.chord
    classes = [line * 7 % 12 for line in chord.lines]
    diminished = chord.lines[2] - chord.lines[0] == -6
    above = {soprano % 12, *(key % 12 for key in others)}
    ceiling = max(60, min(soprano, *others, 127))
    floor = min(ALTO[1] - 7, max(soprano, *others, 0) - 12)
    found = []
    for bass in _keys(classes[figure.inversion], *BASS):
        for tenor in range(max(bass, TENOR[0]), min(TENOR[1], bass + 19, ceiling) + 1):
            if tenor % 12 not in classes:
                continue
            for alto in range(max(tenor, ALTO[0], floor), min(ALTO[1], tenor + 12, ceiling) + 1):
                if alto % 12 not in classes:
                    continue
                lower = [key % 12 for key in (bass, tenor, alto)]
                times = [lower.count(one) + (one == soprano % 12) for one in classes]
                held = [lower.count(one) + (one in above) for one in classes]
                if not times[0] or not held[1] or (not times[2] and (diminished or figure.inversion)):
                    continue
                if len(classes) == 4 and (held[3] > 1 or not times[3]):
                    continue
                if chord.leading is not None and held[chord.leading] > 1:
                    continue
                price = _layout(times, figure, diminished) + _spread(soprano, alto, tenor, bass)
                found.append((price, alto, tenor, bass))
    return tuple(sorted(found)[:PER_FIGURE])


def _keys(pitch_class: int, low: int, high: int) -> range:
    return range(low + (pitch_class - low) % 12, high + 1, 12)


def _layout(times: list[int], figure: Figure, diminished: bool) -> int:
    """What doubling costs: roots are best, thirds of major chords worst."""
    major = figure.chord.lines[1] - figure.chord.lines[0] == 4
    if diminished and len(times) == 3:
        return (0, 0, 3)[min(times[2], 2)] + 4 * (times[0] > 1)
    cost = 8 if not times[2] else 0
    cost += (5 if major else 1) * (times[1] - 1) + 2 * max(times[2] - 1, 0)
    if figure.six_four:
        cost += 5 * (times[2] < 2)
    return cost + 6 * (max(times) > 2)


def _spread(soprano: int, alto: int, tenor: int, bass: int) -> int:
    """What spacing costs: upper voices even, each near the middle of its range, no unisons."""
    cost = max(0, soprano - alto - 8) + max(0, alto - tenor - 8) + max(0, tenor - bass - 14)
    cost += max(0, 59 - alto) + max(0, alto - 69) + max(0, 51 - tenor) + max(0, tenor - 64)
    cost += 2 * max(0, 43 - bass) + max(0, bass - 57)
    return cost + 4 * ((soprano == alto) + (alto == tenor) + (tenor == bass)) + 2 * (tenor - bass < 3)


@dataclass(slots=True)
class States:
    """All voicings of one slot: keys and steps [n, 4] from soprano to bass, prices [n], which figure each has [n]."""

    figures: list[Figure]
    which: Ints
    keys: Ints
    steps: Ints
    prices: Ints
    lead: Ints
    """[n, 4], 1 where a voice sings the leading tone."""
    seventh: Ints
    """[n, 4], 1 where a voice sings the seventh."""

    def take(self, rows: Ints) -> "States":
        """Only those rows."""
        return States(
            self.figures,
            self.which[rows],
            self.keys[rows],
            self.steps[rows],
            self.prices[rows],
            self.lead[rows],
            self.seventh[rows],
        )


def _states(slot: Slot, jitter: Callable[[], int]) -> States:
    heard = slot.first.midi
    figures: list[Figure] = []
    rows: list[tuple[int, ...]] = []
    # Where a soprano far out of range, or one that moves on, leaves the others no place: as if she sang near them.
    for soprano, others in ((heard, slot.others), (heard, ()), (60 + heard % 12, ())):
        for figure, price in slot.choices:
            layouts = voicings(figure, soprano, others)
            if not layouts:
                continue
            price += figure.price + jitter()
            rows += [(len(figures), price + cost, *lower) for cost, *lower in layouts]
            figures.append(figure)
        if rows:
            break
    table = np.array(rows, np.int32).reshape(-1, 5)
    keys = np.concatenate([np.full((len(table), 1), slot.first.midi, np.int32), table[:, 2:]], axis=1)
    steps = np.full((len(figures), 12), 0, np.int32)
    lead, seventh = np.full(len(figures), -1), np.full(len(figures), -1)
    # A step's place in the octave by pitch class: what a key is called depends on the chord.
    for number, figure in enumerate(figures):
        chord = figure.chord
        for line in chord.lines:
            pitch = pitch_on_line(line, 60 + line * 7 % 12)
            steps[number, line * 7 % 12] = pitch.diatonic - 28
        if chord.leading is not None:
            lead[number] = chord.lines[chord.leading] * 7 % 12
        if len(chord.lines) == 4:
            seventh[number] = chord.lines[3] * 7 % 12
    which = table[:, 0]
    diatonic = steps[which[:, None], keys % 12] + 7 * (keys // 12 - 1)
    diatonic[:, 0] = slot.first.diatonic
    return States(
        figures,
        which,
        keys,
        diatonic.astype(np.int32),
        table[:, 1],
        (keys % 12 == lead[which][:, None]).astype(np.int32),
        (keys % 12 == seventh[which][:, None]).astype(np.int32),
    )


def voice(
    slots: Sequence[Slot], rng: random.Random, *, told: Callable[[int, int], None] = lambda done, total: None
) -> list[Voiced]:
    """The cheapest harmony of all slots, with the lower voices. ``told`` hears of slots done."""
    states: list[States] = []
    backs: list[Ints] = []
    costs = np.zeros(0, np.int64)
    for number, slot in enumerate(slots):
        now = _states(slot, lambda: rng.randrange(5))
        if not states:
            costs = now.prices.astype(np.int64)
            back = np.zeros(len(costs), np.int32)
        else:
            pairs = _moves(states[-1], now, slots[number - 1], slot) + costs[:, None]
            back = pairs.argmin(axis=0).astype(np.int32)
            costs = pairs[back, np.arange(len(back))] + now.prices
        rows = np.argsort(costs, kind="stable")[:KEPT]
        states.append(now.take(rows.astype(np.int32)))
        backs.append(back[rows])
        costs = costs[rows] - costs[rows[0]]
        told(number + 1, len(slots))
    found: list[Voiced] = []
    place = int(costs.argmin())
    for number in range(len(slots) - 1, -1, -1):
        one = states[number]
        figure = one.figures[one.which[place]]
        lines = {line * 7 % 12: line for line in figure.chord.lines}
        lower = [pitch_on_line(lines[int(key) % 12], int(key)) for key in one.keys[place, 1:]]
        found.append(Voiced(figure, (lower[0], lower[1], lower[2])))
        place = int(backs[number][place])
    return found[::-1]


def _moves(before: States, now: States, earlier: Slot, slot: Slot) -> NDArray[np.int64]:
    """The price of every move from a voicing to the next, [n before, n now]."""
    cost = _figure_prices(before.figures, now.figures, earlier, slot)[before.which[:, None], now.which[None, :]]
    old, old_steps = before.keys.copy(), before.steps.copy()
    old[:, 0], old_steps[:, 0] = earlier.last.midi, earlier.last.diatonic
    moves = [now.keys[None, :, voice] - old[:, None, voice] for voice in range(4)]
    sizes = [np.abs(move) for move in moves]
    forbidden = np.zeros(cost.shape, np.int32)
    cost += STEP_COST[sizes[1]] + STEP_COST[sizes[2]] + BASS_COST[sizes[3]]
    if slot.held:
        # Nothing new is sung above: the chord may well lie still.
        still = (sizes[1] == 0) & (sizes[2] == 0) & (sizes[3] == 0)
        cost -= 6 * still
    up = [move > 0 for move in moves]
    down = [move < 0 for move in moves]
    cost += 2 * ((up[0] & up[3]) | (down[0] & down[3]))
    cost += 14 * ((up[0] & up[1] & up[2] & up[3]) | (down[0] & down[1] & down[2] & down[3]))
    for upper in range(4):
        for lower in range(upper + 1, 4):
            then = (old[:, upper] - old[:, lower])[:, None]
            later = (now.keys[:, upper] - now.keys[:, lower])[None, :]
            both = (moves[upper] != 0) & (moves[lower] != 0)
            same = (up[upper] == up[lower]) & both
            for interval in (0, 7):
                arrives = later % 12 == interval
                parallel = arrives & (then % 12 == interval) & both
                forbidden += parallel & same
                cost += 25 * (parallel & ~same)
                if (upper, lower) == (0, 3):
                    forbidden += arrives & same & (sizes[0] > 2)
                    cost += 4 * (arrives & same)
                else:
                    cost += 2 * (arrives & same)
            if lower == upper + 1 and not slot.begins:
                forbidden += (now.keys[None, :, lower] > old[:, None, upper]) | (
                    now.keys[None, :, upper] < old[:, None, lower]
                )
    for voice in range(1, 4):
        steps = np.abs(now.steps[None, :, voice] - old_steps[:, None, voice])
        augmented = (steps > 0) & (sizes[voice] > LARGEST_PERFECT[np.minimum(steps, 79)])
        if not slot.begins:
            forbidden += augmented | (sizes[voice] == 10) | (sizes[voice] == 11)
        forbidden += sizes[voice] > 12
    if slot.prepares:
        # The leading tone comes from the tonic, which may then be held over it.
        for voice in (1, 2):
            cost -= 5 * ((moves[voice] == -1) & (now.lead[None, :, voice] == 1))
    cost += _false_relations(before.keys, old_steps, now, moves)
    if not slot.begins:
        forbidden += _tendencies(before, now, moves, cost)
    return cost.astype(np.int64) + FORBIDDEN * forbidden


def _false_relations(keys: Ints, old_steps: Ints, now: States, moves: list[Ints]) -> Ints:
    """Where one voice sings F and another F sharp next, without the first going there itself."""
    cost = np.zeros(moves[0].shape, np.int32)
    for one in range(4):
        for other in range(4):
            if one == other:
                continue
            letter = (old_steps[:, one] % 7)[:, None] == (now.steps[:, other] % 7)[None, :]
            clash = letter & ((keys[:, one] % 12)[:, None] != (now.keys[:, other] % 12)[None, :])
            cost += 9 * (clash & (np.abs(moves[one]) != 1))
    return cost


def _tendencies(before: States, now: States, moves: list[Ints], cost: Ints) -> Ints:
    """What leading tones, sevenths and six-fours forbid; lesser wishes are added to ``cost``."""
    forbidden = np.zeros(cost.shape, np.int32)
    goals = np.array([_goal(figure) for figure in before.figures])[before.which]
    table = np.zeros((len(now.figures), 13), bool)
    for number, figure in enumerate(now.figures):
        table[number, [line * 7 % 12 for line in figure.chord.lines]] = True
    reaches = table[now.which].T[goals]
    free = np.array([figure.chord.seventh_free for figure in now.figures])[now.which][None, :]
    for voice in range(4):
        move = moves[voice]
        rises = (move == 1) | (move == 0)
        third = (move == -3) | (move == -4) if voice in (1, 2) else np.zeros(move.shape, bool)
        leads = before.lead[:, None, voice] == 1
        forbidden += leads & reaches & ~rises & ~third & ~((move == -1) & (now.seventh[None, :, voice] == 1))
        cost += 5 * (leads & reaches & third) + 12 * (leads & ~reaches & (np.abs(move) > 2))
        seventh = before.seventh[:, None, voice] == 1
        forbidden += seventh & ((move > 0) | (move < -2))
        enters = now.seventh[None, :, voice] == 1
        cost += 40 * (enters & ~free & (np.abs(move) > 2)) + 5 * (enters & free & (np.abs(move) > 2))
    six_four = np.array([figure.six_four for figure in before.figures])[before.which][:, None]
    into = np.array([figure.six_four for figure in now.figures])[now.which][None, :]
    forbidden += six_four & (np.abs(moves[3]) > 2)
    cost += 16 * (into & (np.abs(moves[3]) > 2))
    return forbidden


def _goal(figure: Figure) -> int:
    """The pitch class a figure's leading tone rises to; 12 where it has none."""
    chord = figure.chord
    return 12 if chord.leading is None else (chord.lines[chord.leading] * 7 + 1) % 12


def _figure_prices(before: list[Figure], now: list[Figure], earlier: Slot, slot: Slot) -> Ints:
    table = np.zeros((len(before), len(now)), np.int32)
    for row, one in enumerate(before):
        for column, other in enumerate(now):
            table[row, column] = _figure_price(one, other, earlier, slot)
    return table


def _figure_price(one: Figure, other: Figure, earlier: Slot, slot: Slot) -> int:
    price = progression(one, other) // (2 if slot.begins else 1) * 2
    if one.chord.lines[0] == other.chord.lines[0] and not slot.begins:
        # Harmony moves onto the strong beat.
        price += (2, 5, 12, 20)[slot.strength] // (2 if slot.held else 1)
        price += 4 * (one == other)
    if one.six_four and one.chord.degree == 1:
        price += -8 if earlier.strength > slot.strength and other.chord.degree == 5 else 25
    elif one.six_four or other.six_four:
        price += 0 if earlier.strength >= slot.strength or one.six_four else 8
    if slot.begins:
        price += 14 * (other.chord.goal > 0) + 6 * (other.inversion > 1)
    if slot.ends:
        price += slot.ends.get(cadence(one, other) or "", 300)
    return price
