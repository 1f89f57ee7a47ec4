"""A chorale for four voices: a given tune, or a new one, harmonised by search under the rules of voice leading.

Chords and voicings are searched together (``voicing``), then suspensions and passing notes are woven in, each judged
by the rules (``figuration``). Whole numbers, fractions and one random generator: the same seed gives the same notes
everywhere.
"""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from vesica.errors import VesicaError
from vesica.music.align import with_ids
from vesica.music.figuration import Grid, adorn
from vesica.music.harmony import CADENCES, Figure, figures, foreign_figures, is_picardy
from vesica.music.melody import compose
from vesica.music.params import ChoraleParams, KeyName
from vesica.music.score import (
    PLAIN,
    ZERO,
    Key,
    Metre,
    Note,
    Part,
    Score,
    Tempo,
    bar_and_beat,
    bar_lines,
    key_at,
    metre_at,
)
from vesica.music.voice_leading import VOICES, Fault, FourParts, beats_of, faults, sung, tonic
from vesica.music.voicing import Slot, Voiced, voice
from vesica.work import Progress, Step

CHOIR = 52
"""General MIDI: choir aahs."""

NAMES = ("Soprano", "Alto", "Tenor", "Bass")

MOST_NOTES = 6000
"""A melody longer than this takes minutes."""

ROUNDS = 6
"""Searches at most over one melody."""

TUNES = 12
"""Tunes at most, till one can be harmonised without a fault."""

LOW, HIGH = 60, 81
"""The soprano's range."""

# Each pair holds what stands at one end and at the other; a text is placed between by its cosines with both.
POLES = {
    "minor": (
        ("grief and mourning", "death, night and longing", "sorrow, tears, a dark winter", "fear and loneliness"),
        ("joy and praise", "peace, light and thanks", "a bright summer morning", "laughter and celebration"),
    ),
    "fast": (
        ("a lively dance, bells and celebration", "a rush of wind, running water", "triumph, a march of victory"),
        ("stillness, slow and quiet", "sleep, evening, a calm sea", "a solemn funeral, deep silence"),
    ),
    "triple": (
        ("a lullaby, rocking and swaying", "waves on the sea, floating", "a waltz, turning and dancing"),
        ("a steady walk, a procession", "a mighty fortress, stone and iron", "standing firm, a solemn oath"),
    ),
    "bright": (
        ("gold, sunlight, fire and trumpets", "spring flowers, birdsong, sparkling snow"),
        ("deep water, shadow, moss and earth", "dusk, velvet, warm candlelight"),
    ),
}

# Krumhansl and Kessler (1982): how well each tone fits a major and a minor key, from the tonic up, in hundredths.
PROFILES = {
    "major": (635, 223, 348, 233, 438, 409, 252, 519, 239, 366, 229, 288),
    "minor": (633, 268, 352, 538, 260, 353, 254, 475, 398, 269, 334, 317),
}


@dataclass(frozen=True, slots=True)
class Theme:
    """What is harmonised: one line of notes, where its phrases end, and the score it stands in."""

    score: Score
    notes: tuple[Note, ...]
    cadences: Mapping[int, str]
    """The number of each phrase's last note, and the close that is planned; "" leaves it open."""


def chorale(
    *, params: ChoraleParams, seed: int, melody: Score | None = None, progress: Progress | None = None
) -> Score:
    """Four parts in the manner of Bach's chorales over ``melody``, or over a tune of its own.

    Parameters
    ----------
    melody : the top line of its first part is sung by the soprano, its notes and their ids as they are
    progress : called after each beat of the search; may raise ``Cancelled``

    Returns
    -------
    Score : Soprano, Alto, Tenor, Bass; ``remarks`` say what had to be changed or which rule could not be kept
    """
    rng = random.Random(seed)
    if 0 < params.tempo < 40:
        raise VesicaError(f"tempo must be 40 to 120, or 0 for one by the words; {params.tempo} is not.")
    if melody is not None:
        theme = _given_theme(params, melody)
        lines = _harmonised(theme, rng, progress)
    else:
        leaning = (
            lean(params.words, rng) if params.words.strip() else {name: rng.randrange(-100, 101) for name in POLES}
        )
        plan = _plan(params, leaning, rng)
        for _ in range(TUNES):
            theme = _new_theme(plan, params.phrases, rng)
            lines = _harmonised(theme, rng, progress)
            if not _faults(theme.score, lines, own=True):
                break
    beats = beats_of(theme.score)
    ticks = math.lcm(*(time.denominator for line in lines for note in line for time in (note.onset, note.end)), 4)
    ticks = math.lcm(ticks, *(beat.denominator for beat in beats))
    total = len(lines[3])
    grid = Grid(beats, list(_strengths(theme.score, beats).values()), ticks)

    def told(done: int, many: int) -> None:
        if progress:
            progress(Step(total + done * total // (4 * many), 5 * total // 4 + 1, note="figuration"))

    lines = adorn(
        lines,
        grid,
        lambda time: key_at(theme.score, time),
        lambda tick: tonic(key_at(theme.score, Fraction(tick, ticks))),
        rng,
        amount=params.ornament,
        first_voice=0 if melody is None else 1,
        told=told,
    )
    parts = tuple(Part(name, CHOIR, tuple(line)) for name, line in zip(NAMES, lines, strict=True))
    whole = with_ids(replace(theme.score, parts=parts))
    whole = replace(whole, remarks=(*whole.remarks, *_relaxed(whole)))
    if progress:
        progress(Step(5 * total // 4 + 1, 5 * total // 4 + 1))
    return whole


def _harmonised(theme: Theme, rng: random.Random, progress: Progress | None) -> list[list[Note]]:
    """The theme and three lines under it, note against note.

    The search takes chords as it means them, the rules as they sound. Where these differ and a fault is found, its
    chord is made dear and the search goes again, a few times; the lines with fewest faults stay.
    """
    beats = beats_of(theme.score)
    slots = _slots(theme, beats, rng)
    chance = rng.randrange(2**32)
    best: tuple[int, list[list[Note]]] | None = None

    def told(done: int, total: int) -> None:
        if progress:
            progress(Step(done, 5 * total // 4 + 1, note="harmony"))

    for _ in range(ROUNDS if len(slots) < 200 else 2):
        voiced = voice(slots, random.Random(chance), told=told)
        lines = [list(theme.notes), *_lower_lines(slots, voiced)]
        found = _faults(theme.score, lines)
        if best is None or len(found) < best[0]:
            best = len(found), lines
        if not found:
            break
        bars = bar_lines(theme.score)
        times = sorted({bars[fault.bar - 1] + fault.beat - 1 for fault in found})
        slots = _dearer(slots, voiced, times)
    assert best is not None
    return best[1]


def _faults(score: Score, lines: Sequence[Sequence[Note]], *, own: bool = False) -> list[Fault]:
    """Faults of four lines; those that the melody has by itself only where they are its maker's ``own``."""
    parts = tuple(Part(name, CHOIR, tuple(line)) for name, line in zip(NAMES, lines, strict=True))
    return [fault for fault in faults(replace(score, parts=parts)) if own or not _own(fault)]


def _own(fault: Fault) -> bool:
    """Whether a fault lies in the melody alone."""
    return fault.voices == (VOICES[0],) and fault.rule in ("range", "leap")


def _dearer(slots: Sequence[Slot], voiced: Sequence[Voiced], times: Sequence[Fraction]) -> list[Slot]:
    """The slots, the chords that stood at those times, and just before, made dearer."""
    found = list(slots)
    for number, (slot, chord) in enumerate(zip(slots, voiced, strict=True)):
        after = slots[number + 1].end if number + 1 < len(slots) else slot.end
        if any(slot.start <= time < after for time in times):
            choices = tuple((one, price + 30 * (one is chord.figure)) for one, price in slot.choices)
            found[number] = replace(slot, choices=choices)
    return found


def lean(words: str, rng: random.Random) -> dict[str, int]:
    """Where a text stands between each pair of poles, -100..100 and a little chance; 0 is the middle."""
    from vesica.weights.minilm import embed

    found = {}
    (row,) = embed([words])
    texts, rows = _pole_rows()
    # float64, rounded: sums of an embedding's 384 numbers may differ in the last bits between machines.
    near = dict(zip(texts, (rows.astype(float) @ row.astype(float)).round(4).tolist(), strict=True))
    for name, (one, other) in POLES.items():
        towards, away = (max(near[text] for text in pole) + sum(near[text] for text in pole) for pole in (one, other))
        place = round(250 * (towards / (len(one) + 1) - away / (len(other) + 1)))
        found[name] = max(-100, min(100, place + rng.randrange(-8, 9)))
    return found


@cache
def _pole_rows() -> tuple[list[str], NDArray[np.float32]]:
    """What stands at the poles, and its embeddings."""
    from vesica.weights.minilm import embed

    texts = [one for pair in POLES.values() for pole in pair for one in pole]
    return texts, embed(texts)


def key_named(name: KeyName) -> Key:
    """The key that a choice of the knob names."""
    keys = get_args(KeyName)[1:]
    place = keys.index(name)
    return Key(ZERO, place % 15 - 7, "minor" if place >= 15 else "major")


def _key_name(key: Key) -> str:
    name: str = get_args(KeyName)[1 + key.fifths + 7 + (15 if key.mode == "minor" else 0)]
    return name


def _plan(params: ChoraleParams, leaning: Mapping[str, int], rng: random.Random) -> tuple[Key, Metre, Tempo]:
    """Key, metre and tempo of a new tune."""
    if params.key == "any":
        # From four flats to four sharps.
        fifths = max(-4, min(4, round(leaning["bright"] / 25) + rng.randrange(-1, 2)))
        key = Key(ZERO, fifths, "minor" if leaning["minor"] > 0 else "major")
    else:
        key = key_named(params.key)
    triple = leaning["triple"] > 15 if params.metre == "any" else params.metre == "3/4"
    tempo = params.tempo or max(48, min(104, 72 + leaning["fast"] // 4 + (12 if triple else 0)))
    return key, Metre(ZERO, 3 if triple else 4, 4), Tempo(ZERO, Fraction(tempo))


def _new_theme(plan: tuple[Key, Metre, Tempo], phrases: int, rng: random.Random) -> Theme:
    key, metre, tempo = plan
    tune = compose(rng, key, metre, phrases)
    part = Part(NAMES[0], CHOIR, tune.notes)
    score = Score(parts=(part,), metres=(metre,), keys=(key,), tempi=(tempo,), pickup=tune.pickup)
    return Theme(score, tune.notes, tune.cadences)


def _given_theme(params: ChoraleParams, melody: Score) -> Theme:
    part = next((part for part in melody.parts if part.notes), None)
    if part is None:
        raise VesicaError("This score has no notes; bring one with a melody.")
    remarks = []
    line, dropped = _top_line(part.notes)
    if len(melody.parts) > 1 or dropped:
        remarks.append(f"The top line of {part.name or 'the first part'} is taken for the melody.")
    if len(line) > MOST_NOTES:
        raise VesicaError(f"This melody has {len(line):,} notes; bring up to {MOST_NOTES:,}.")
    whole = len(line)
    line, snapped = _snapped(line)
    if snapped:
        remarks.append(f"{_notes(snapped)} moved to the nearest sixteenth or triplet.")
    if len(line) < whole:
        remarks.append(f"{_notes(whole - len(line))} left out as too short to be sung.")
    line, octaves = _in_range(line)
    if octaves:
        many = "an octave" if abs(octaves) == 1 else f"{abs(octaves)} octaves"
        remarks.append(
            f"The melody is moved {'up' if octaves > 0 else 'down'} by {many} to lie in the soprano's range."
        )
    keys, remark = _keys(params, melody, line)
    remarks += remark
    tempi = (Tempo(ZERO, Fraction(params.tempo)),) if params.tempo else melody.tempi
    score = replace(
        melody,
        title="",
        parts=(Part(NAMES[0], CHOIR, line),),
        keys=keys,
        tempi=tempi,
        remarks=(*melody.remarks, *remarks),
    )
    return Theme(score, line, dict.fromkeys(_phrase_ends(score, line), ""))


def _notes(count: int) -> str:
    return "1 note is" if count == 1 else f"{count:,} notes are"


def _top_line(notes: Sequence[Note]) -> tuple[tuple[Note, ...], int]:
    """The highest notes, one after another, and how many others there were."""
    found: list[Note] = []
    for note in sorted(notes, key=lambda note: (note.onset, -note.pitch.midi, -note.duration)):
        if found and note.onset < found[-1].end:
            last = found[-1]
            # A lower note that begins while the melody sounds belongs to another line, unless it only overlaps.
            if note.onset == last.onset or (note.pitch.midi < last.pitch.midi and note.end <= last.end):
                continue
            if note.pitch.midi < last.pitch.midi and last.end - note.onset > last.duration / 4:
                continue
            found[-1] = replace(last, duration=note.onset - last.onset)
        found.append(note)
    return tuple(found), len(notes) - len(found)


def _snapped(line: tuple[Note, ...]) -> tuple[tuple[Note, ...], int]:
    """The line with times that no notation has moved to sixteenths or triplets, and how many notes that were.

    Of notes that come to begin together the last stays.
    """

    def snap(time: Fraction) -> Fraction:
        if 48 % time.denominator == 0:
            return time
        return min((Fraction(round(time * part), part) for part in (4, 3)), key=lambda one: abs(one - time))

    found = [replace(note, onset=snap(note.onset), duration=snap(note.end) - snap(note.onset)) for note in line]
    kept = []
    for place, note in enumerate(found):
        after = found[place + 1].onset if place + 1 < len(found) else None
        if after is not None and after <= note.onset:
            continue
        duration = note.duration if note.duration > 0 else Fraction(1, 4)
        kept.append(replace(note, duration=min(duration, after - note.onset) if after is not None else duration))
    return tuple(kept), sum(one != other for one, other in zip(line, found, strict=True))


def _in_range(line: tuple[Note, ...]) -> tuple[tuple[Note, ...], int]:
    """The line moved by as many octaves as bring most of it into the soprano's range."""

    def outside(octaves: int) -> tuple[int, int, int]:
        keys = [note.pitch.midi + 12 * octaves for note in line]
        wrong = sum(max(0, LOW - key) + max(0, key - HIGH + 2) for key in keys)
        return wrong, abs(octaves), octaves

    best = min(range(-9, 10), key=outside)
    if not best:
        return line, 0
    moved = [replace(note.pitch, octave=note.pitch.octave + best) for note in line]
    return tuple(replace(note, pitch=pitch) for note, pitch in zip(line, moved, strict=True)), best


def _keys(params: ChoraleParams, melody: Score, line: tuple[Note, ...]) -> tuple[tuple[Key, ...], list[str]]:
    if params.key != "any":
        return (key_named(params.key),), []
    if len(melody.keys) > 1:
        return melody.keys, []
    guess = estimate_key(line)
    told = melody.keys[0]
    if told.fifths == guess.fifths and told.mode == guess.mode:
        return melody.keys, []
    if melody.keys == PLAIN:
        return (guess,), [f"The melody tells no key; it is read in {_key_name(guess)}."]
    if told.fifths == guess.fifths and line[-1].pitch.midi % 12 == tonic(guess)[0]:
        return (guess,), [f"The melody is read in {_key_name(guess)}, on whose tonic it ends."]
    return melody.keys, []


def estimate_key(line: Sequence[Note]) -> Key:
    """The key whose profile correlates best with how long each tone sounds (Krumhansl and Schmuckler).

    The last tone and the first count a little more. Whole numbers only: products of sums are compared, no root taken.
    """
    lasts: Counter[int] = Counter()
    scale = math.lcm(*(note.duration.denominator for note in line))
    for note in line:
        lasts[note.pitch.midi % 12] += 12 * int(note.duration * scale)
    whole = sum(lasts.values())
    lasts[line[-1].pitch.midi % 12] += whole // 8
    lasts[line[0].pitch.midi % 12] += whole // 24
    total = sum(lasts.values())
    best: tuple[Fraction, Key] | None = None
    sharps = sum(note.pitch.alter > 0 for note in line) - sum(note.pitch.alter < 0 for note in line)
    for mode, profile in PROFILES.items():
        # Twelve times each difference from the mean, to stay in whole numbers.
        fits = [12 * value - sum(profile) for value in profile]
        spread = sum(value * value for value in fits)
        for fifths in sorted(range(-6, 7), key=lambda one: (abs(one), one * (1 if sharps >= 0 else -1) < 0)):
            key = Key(ZERO, fifths, "minor" if mode == "minor" else "major")
            root = tonic(key)[0]
            product = sum(fits[(tone - root) % 12] * (12 * lasts[tone] - total) for tone in range(12))
            fit = Fraction(product * abs(product), spread)
            if best is None or fit > best[0]:
                best = fit, key
    assert best is not None
    return best[1]


def _phrase_ends(score: Score, line: tuple[Note, ...]) -> list[int]:
    """The last notes of phrases: those with fermatas, else long ones and ones before rests, not too near."""
    last = len(line) - 1
    held = [number for number, note in enumerate(line) if note.fermata]
    if held:
        return held if held[-1] == last else [*held, last]
    usual = sorted(note.duration for note in line)[len(line) // 2]
    found, since = [], line[0].onset
    for number, (note, after) in enumerate(pairwise(line)):
        length = note.duration
        long = length >= 2 * usual and length >= Fraction(3, 2)
        rest = after.onset - note.end >= 1
        enough = note.end - since >= (3 if rest else 6)
        if (long or rest) and enough and line[-1].end - note.end >= 4:
            found.append(number)
            since = note.end
    return [*found, last]


def _strengths(score: Score, beats: Sequence[Fraction]) -> dict[Fraction, int]:
    """How strong each beat is: 3 first of a bar, 2 its middle (of an even metre), 1 another."""
    found = {}
    lines = bar_lines(score)
    for time in beats[:-1]:
        _, beat = bar_and_beat(lines, time)
        metre = metre_at(score, time)
        into = beat - 1
        if score.pickup and time < score.pickup:
            into += metre.length - score.pickup
        middle = 2 * into == metre.length and metre.length >= 3 and metre.beats % 2 == 0
        found[time] = 3 if into == 0 else 2 if middle else 1
    return found


def _slots(theme: Theme, beats: Sequence[Fraction], rng: random.Random) -> list[Slot]:
    """The melody cut into stretches for one chord each: beats, less where it asks for more."""
    line = theme.notes
    ticks = math.lcm(*(time.denominator for note in line for time in (note.onset, note.end)), 4)
    ticks = math.lcm(ticks, *(beat.denominator for beat in beats))
    sung_line = [sung(note, ticks) for note in line]
    judge = FourParts([sung_line, [], [], []], [int(beat * ticks) for beat in beats], lambda _: (0, False))
    spans = _spans(theme, beats)
    strengths = _strengths(theme.score, beats)
    slots: list[Slot] = []
    fresh = True
    for number, (start, end, notes) in enumerate(spans):
        low, high = int(start * ticks), int(end * ticks)
        foreign = [judge.explained(0, place, low, high) for place in notes]
        first, last = line[notes[0]], line[notes[-1]]
        closes = last.end <= end and notes[-1] in theme.cadences
        key = key_at(theme.score, start)
        final = number == len(spans) - 1
        choices = _choices(line, notes, foreign, key, final)
        if not slots:
            # A piece begins on its tonic or, on a pickup, on its dominant.
            choices = tuple(
                (figure, price + (0 if figure.chord.degree == 1 and not figure.inversion else 25))
                for figure, price in choices
            )
        slots.append(
            Slot(
                start,
                end,
                first.pitch,
                last.pitch,
                first.onset < start,
                strengths.get(start, 0),
                choices,
                tuple(line[place].pitch.midi for place in notes[1:]),
                _closes(theme.cadences[notes[-1]], final, rng) if closes and slots else {},
                fresh and bool(slots),
            )
        )
        fresh = closes
    return [
        replace(slot, prepares=bool(after.ends)) for slot, after in zip(slots, [*slots[1:], slots[-1]], strict=True)
    ]


def _spans(theme: Theme, beats: Sequence[Fraction]) -> list[tuple[Fraction, Fraction, list[int]]]:
    """Stretches with the melody's notes in each. Only a rest of a beat or more silences the choir."""
    line = theme.notes
    found: list[tuple[Fraction, Fraction, list[int]]] = []
    ends = [after.onset if after.onset - note.end < 1 else note.end for note, after in pairwise(line)] + [line[-1].end]
    place = 0
    for low, high in pairwise(beats):
        while place < len(line) and ends[place] <= low:
            place += 1
        inside = [number for number in range(place, min(place + 64, len(line))) if line[number].onset < high]
        if not inside:
            continue
        cuts = {max(low, line[inside[0]].onset)}
        for number in inside:
            note = line[number]
            # After a rest, and where a phrase ends between beats, a new chord begins.
            if (
                note.onset > low
                and (number == inside[0] or ends[number - 1] < note.onset or number - 1 in theme.cadences)
            ) or (note.onset > low and note.end > high):
                cuts.add(note.onset)
        edges = [*sorted(cuts), min(high, max(ends[number] for number in inside))]
        for start, end in pairwise(edges):
            notes = [number for number in inside if line[number].onset < end and ends[number] > start]
            if not notes or end <= start:
                continue
            held = line[notes[0]].onset < start and len(notes) == 1
            if (
                held
                and notes[0] in theme.cadences
                and found
                and found[-1][2][-1] == notes[0]
                and len(found[-1][2]) == 1
            ):
                # A phrase's last chord stays.
                found[-1] = (found[-1][0], end, found[-1][2])
            else:
                found.append((start, end, notes))
    return found


def _choices(
    line: Sequence[Note], notes: list[int], foreign: list[bool], key: Key, final: bool
) -> tuple[tuple[Figure, int], ...]:
    """Figures that can stand under some notes, with what each costs: the fewer foreign notes on the beat the better."""
    classes = [line[number].pitch.midi % 12 for number in notes]
    own = tuple(figure for figure in figures(key) if final or not is_picardy(figure))
    for table in (own, foreign_figures(key)):
        found = []
        for figure in table:
            chord = {one * 7 % 12 for one in figure.chord.lines}
            price = 0
            fits = True
            for place, one in enumerate(classes):
                if one in chord:
                    continue
                on_beat = place == 0
                fits = fits and foreign[place] and not (on_beat and len(classes) == 1)
                price += 12 if on_beat else 1
            if fits:
                found.append((figure, price))
        if found:
            return tuple(found)
    # Notes that share no chord, as of a run of leaps: the first one is harmonised.
    head = classes[0]
    return tuple((one, 0) for one in foreign_figures(key) if head in {line * 7 % 12 for line in one.chord.lines})


def _closes(planned: str, final: bool, rng: random.Random) -> dict[str, int]:
    """What each cadence costs at the end of a phrase."""
    if final:
        return {"authentic": 0, "plagal": 40, "half": 150, "tonicised": 150, "deceptive": 160}
    usual = {"authentic": 10, "half": 12, "tonicised": 12, "deceptive": 22, "plagal": 24}
    if planned:
        return {name: 0 if name == planned else usual[name] + 25 for name in CADENCES}
    return {name: usual[name] - rng.randrange(8) for name in CADENCES}


def _lower_lines(slots: Sequence[Slot], voiced: Sequence[Voiced]) -> list[list[Note]]:
    """Alto, tenor and bass as notes: struck with the soprano, held where it holds."""
    lines: list[list[Note]] = [[], [], []]
    for slot, chord in zip(slots, voiced, strict=True):
        closes = bool(slot.ends)
        for line, pitch in zip(lines, chord.lower, strict=True):
            length = slot.end - slot.start
            if slot.held and line and line[-1].pitch == pitch and line[-1].end == slot.start:
                line[-1] = replace(line[-1], duration=line[-1].duration + length)
            else:
                line.append(Note("", slot.start, length, pitch, fermata=closes))
    return lines


def _relaxed(score: Score) -> list[str]:
    """A sentence for each rule that the melody left no way to keep, or breaks itself."""
    found: dict[tuple[str, bool], dict[int, None]] = {}
    for fault in faults(score):
        found.setdefault((fault.rule, _own(fault)), {})[fault.bar] = None
    remarks = []
    for (rule, alone), bars in found.items():
        where = ", ".join(str(bar) for bar in list(bars)[:8]) + (f" and {len(bars) - 8} more" if len(bars) > 8 else "")
        place = f"bar{'s' * (len(bars) > 1)} {where}"
        if rule == "cadence":
            remarks.append(f"The close in {place} stays open: the melody leaves no tonic chord there.")
        elif alone:
            remarks.append(f"The melody itself breaks the rule of {rule} in {place}; it is kept as it is.")
        else:
            remarks.append(f"The rule of {rule} is not kept in {place}; no way was found that keeps them all.")
    return remarks
