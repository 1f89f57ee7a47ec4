"""MusicXML 4.0 out: everything a ``Score`` holds, written as a person would read it. See ``musicxml_reader`` for in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import groupby, pairwise
from math import lcm

from lxml import etree

from vesica.errors import VesicaError
from vesica.music.notation import Clef, Value, Voice, clefs, rest_bar, shown_rests, voices, written
from vesica.music.score import FIFTHS, Key, Metre, Note, Part, Pitch, Score, Tempo, bar_lines, key_at, metre_at

LOUD = 90
"""The velocity that MusicXML calls 100 %."""

USUAL = 80
"""The velocity of a note that says none."""

CONTINUED = "\u00b7"
"""Between a note's id and the number of its tied notehead; valid in XML, never in an id of ours."""

HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    b'"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
SHORT = {
    "soprano": "S.",
    "alto": "A.",
    "tenor": "T.",
    "bass": "B.",
    "violin": "Vln.",
    "viola": "Vla.",
    "violoncello": "Vc.",
    "cello": "Vc.",
    "contrabass": "Cb.",
    "double bass": "Cb.",
    "flute": "Fl.",
    "oboe": "Ob.",
    "clarinet": "Cl.",
    "bassoon": "Bsn.",
    "horn": "Hn.",
    "trumpet": "Tpt.",
    "trombone": "Tbn.",
    "tuba": "Tb.",
    "timpani": "Timp.",
    "piano": "Pno.",
    "harp": "Hp.",
    "organ": "Org.",
    "guitar": "Gtr.",
}


def write_musicxml(score: Score, *, heads: Mapping[str, str] | None = None) -> bytes:
    """A partwise file in UTF-8. The same score gives the same bytes, and ``read_musicxml`` gives the score back.

    heads : by note id, a notehead as MusicXML names it (``diamond``), to tell notes apart on paper
    """
    if not score.parts:
        raise VesicaError("This score has no parts, so there is nothing to write as MusicXML; give it one.")
    root = etree.Element("score-partwise", version="4.0")
    if score.title:
        _add(_add(root, "work"), "work-title", score.title)
    told = _add(root, "identification")
    _add(_add(told, "encoding"), "software", "vesica")
    if score.remarks:
        more = _add(told, "miscellaneous")
        for remark in score.remarks:
            _add(more, "miscellaneous-field", remark, name="vesica-remark")
    _list_parts(root, score.parts)
    paper = _Paper(score, heads or {})
    for index in range(len(score.parts)):
        paper.write(root, index)
    etree.indent(root)
    return HEAD + etree.tostring(root, encoding="UTF-8") + b"\n"


def _add(parent: etree._Element, tag: str, text: object = None, **attributes: str) -> etree._Element:
    found = etree.SubElement(parent, tag, attributes)
    if text is not None:
        found.text = str(text)
    return found


# The list of parts


def _list_parts(root: etree._Element, parts: Sequence[Part]) -> None:
    listed = _add(root, "part-list")
    number = 0
    for family, group in groupby(enumerate(parts, 1), key=lambda row: _family(row[1])):
        members = list(group)
        bracket = len(members) > 1 and bool(family)
        if bracket:
            number += 1
            start = _add(listed, "part-group", number=str(number), type="start")
            _add(start, "group-symbol", "bracket")
            # Barlines stop between voices, so that words have room; instruments of a family are joined.
            _add(start, "group-barline", "no" if family == "voices" else "yes")
        for index, part in members:
            _list_part(listed, index, part)
        if bracket:
            _add(listed, "part-group", number=str(number), type="stop")


def _list_part(listed: etree._Element, index: int, part: Part) -> None:
    row = _add(listed, "score-part", id=f"P{index}")
    _add(row, "part-name", part.name)
    _add(row, "part-abbreviation", short_name(part.name))
    _add(_add(row, "score-instrument", id=f"P{index}-I1"), "instrument-name", part.name)
    midi = _add(row, "midi-instrument", id=f"P{index}-I1")
    channel = (index - 1) % 15 + 1
    _add(midi, "midi-channel", channel + (channel > 9))
    _add(midi, "midi-program", part.program + 1)


def _family(part: Part) -> str:
    """Parts of one family stand in one bracket."""
    if 52 <= part.program <= 54:
        return "voices"
    if 40 <= part.program <= 51 and part.program not in (46, 47):
        return "strings"
    if 56 <= part.program <= 63:
        return "brass"
    return "winds" if 64 <= part.program <= 79 else ""


def short_name(name: str) -> str:
    """What stands before a part's later systems: Violin II is Vln. II."""
    words = name.split()
    if not words:
        return ""
    short = SHORT.get(words[0].lower().rstrip("."))
    if short is None:
        return name if len(name) <= 5 else words[0][:4] + "."
    return " ".join([short, *(word for word in words[1:] if len(word) <= 3)])


# The parts


class _Paper:
    """What all parts share: barlines, metres and the unit of time."""

    def __init__(self, score: Score, heads: Mapping[str, str]) -> None:
        self.score, self.heads = score, heads
        self.lines = bar_lines(score)
        self.signs: list[Metre | Key | Tempo] = [*score.metres, *score.keys, *score.tempi]
        # A piece that begins with a pick-up gives it back at its end.
        short = self.lines[-1] - score.pickup
        last = max(self.lines[-2], *(sign.onset for sign in self.signs))
        if score.pickup and len(self.lines) > 2 and last < short >= score.end:
            self.lines[-1] = short
        self.metres = [metre_at(score, start) for start in self.lines[:-1]]
        self.laid = [self._lay(part) for part in score.parts]
        times = {sign.onset for sign in self.signs} | set(self.lines)
        times |= {value.length for _, rows in self.laid for _, bars in rows for bar in bars for value in bar}
        times |= {value.length for value in self._silence(0)}  # a pick-up in which a part is silent
        self.divisions = lcm(*(time.denominator for time in times))
        self.printed: Fraction | None = None
        """The last tempo that a reader sees."""
        self.heads_written: Counter[str] = Counter()
        """Noteheads so far, by note."""
        self.lower = False
        """Whether the voice being written has another above it on its staff."""
        self.rests: set[tuple[int, Fraction]] = set()
        """Those to print in the bar being written, by voice and start."""

    def _lay(self, part: Part) -> tuple[tuple[Clef, ...], list[tuple[Voice, list[list[Value]]]]]:
        """A part's clefs, and its lines with what stands in each of their bars."""
        staves = clefs(part)
        lanes = voices(part, staves)
        return staves, [(lane, written(lane, self.lines, self.metres, self.score.pickup)) for lane in lanes]

    def write(self, root: etree._Element, index: int) -> None:
        """One part with all its measures."""
        score, lines = self.score, self.lines
        element = _add(root, "part", id=f"P{index + 1}")
        staves, rows = self.laid[index]
        first = 0 if score.pickup else 1
        for number, (start, end) in enumerate(pairwise(lines)):
            measure = _add(element, "measure", number=str(number + first))
            if number == 0 and score.pickup:
                measure.set("implicit", "yes")
            bar = [(lane, values[number]) for lane, values in rows if values[number]]
            for staff in range(1, len(staves) + 1):
                if not any(lane.staff == staff for lane, _ in bar):
                    free = next((lane.number for lane, _ in rows if lane.staff == staff), 1 + 4 * (staff - 1))
                    bar.append((Voice(free, staff, ()), self._silence(number)))
            bar.sort(key=lambda row: (row[0].staff, row[0].number))
            signs = self._signs(index, start, end, staves if number == 0 else ())
            accidentals = _accidentals(bar, score, start)
            self.rests = shown_rests(bar, keyboard=len(staves) > 1)
            for place, (lane, row) in enumerate(bar):
                if place:
                    self._move(measure, "backup", end - start)
                self.lower = bool(place) and bar[place - 1][0].staff == lane.staff
                self._voice(measure, lane, row, signs if place == 0 else [], len(staves), accidentals, end - start)
            if number == len(lines) - 2:
                _add(_add(measure, "barline", location="right"), "bar-style", "light-heavy")

    def _silence(self, number: int) -> list[Value]:
        length = self.lines[number + 1] - self.lines[number]
        return rest_bar(length, self.metres[number], self.score.pickup if number == 0 else Fraction(0))

    def _time(self, time: Fraction) -> str:
        return str(int(time * self.divisions))

    def _move(self, measure: etree._Element, tag: str, time: Fraction) -> None:
        if time:
            _add(_add(measure, tag), "duration", self._time(time))

    def _signs(
        self, index: int, start: Fraction, end: Fraction, staves: tuple[Clef, ...]
    ) -> list[tuple[Fraction, list[etree._Element]]]:
        """Attributes and tempi of a bar, by their time in it."""
        score = self.score
        found = []
        for time in sorted({start, *(sign.onset for sign in self.signs if start <= sign.onset < end)}):
            elements = []
            keys = [key for key in score.keys if key.onset == time]
            metres = [metre for metre in score.metres if metre.onset == time]
            if keys or metres or (staves and time == start):
                elements.append(self._attributes(keys, metres, staves if time == start else ()))
            if index == 0:
                elements += [self._tempo(tempo, time == start) for tempo in score.tempi if tempo.onset == time]
            if elements:
                found.append((time - start, elements))
        return found

    def _attributes(self, keys: list[Key], metres: list[Metre], staves: tuple[Clef, ...]) -> etree._Element:
        element = etree.Element("attributes")
        if staves:
            _add(element, "divisions", self.divisions)
        for key in keys:
            row = _add(element, "key")
            _add(row, "fifths", key.fifths)
            _add(row, "mode", key.mode)
        for metre in metres:
            row = _add(element, "time")
            if (metre.beats, metre.unit) in ((4, 4), (2, 2)):
                row.set("symbol", "common" if metre.unit == 4 else "cut")
            _add(row, "beats", metre.beats)
            _add(row, "beat-type", metre.unit)
        if len(staves) > 1:
            _add(element, "staves", len(staves))
        for number, clef in enumerate(staves, 1):
            row = _add(element, "clef", **({"number": str(number)} if len(staves) > 1 else {}))
            _add(row, "sign", clef.sign)
            _add(row, "line", clef.line)
            if clef.octave:
                _add(row, "clef-octave-change", clef.octave)
        return element

    def _tempo(self, tempo: Tempo, on_barline: bool) -> etree._Element:
        """A tempo. Of a rallentando's many, only steps of 8 % at a barline are printed; all of them sound."""
        element = etree.Element("direction", placement="above")
        kind = _add(element, "direction-type")
        last = self.printed
        if last is None or (on_barline and abs(tempo.quarters - last) * 100 >= 8 * last):
            self.printed = tempo.quarters
            metre = metre_at(self.score, tempo.onset)
            mark = _add(kind, "metronome")
            dotted = metre.unit >= 8 and metre.beats % 3 == 0
            _add(mark, "beat-unit", "half" if metre.unit == 2 else "quarter")
            if dotted:
                _add(mark, "beat-unit-dot")
            beat = Fraction(3, 2) if dotted else Fraction(2 if metre.unit == 2 else 1)
            _add(mark, "per-minute", round(tempo.quarters / beat))
        else:
            _add(kind, "words", "")
        _add(element, "sound", tempo=decimal(tempo.quarters))
        return element

    def _voice(
        self,
        measure: etree._Element,
        lane: Voice,
        values: Sequence[Value],
        signs: list[tuple[Fraction, list[etree._Element]]],
        staves: int,
        accidentals: Mapping[tuple[int, Fraction, str], str],
        length: Fraction,
    ) -> None:
        waiting = list(signs)
        for value in values:
            while waiting and waiting[0][0] <= value.start:
                time, elements = waiting.pop(0)
                self._move(measure, "backup", value.start - time)
                measure.extend(elements)
                self._move(measure, "forward", value.start - time)
            if value.notes or (lane.number, value.start) in self.rests:
                for place, note in enumerate(value.notes or (None,)):
                    sign = accidentals.get((lane.number, value.start, note.id)) if note else None
                    self._note(measure, lane, value, note, place, sign, staves)
            else:
                self._move(measure, "forward", value.length)
        for time, elements in waiting:
            self._move(measure, "backup", length - time)
            measure.extend(elements)
            self._move(measure, "forward", length - time)

    def _note(
        self,
        measure: etree._Element,
        lane: Voice,
        value: Value,
        note: Note | None,
        place: int,
        accidental: str | None,
        staves: int,
    ) -> None:
        element = _add(measure, "note")
        if note is None:
            _add(element, "rest", **({"measure": "yes"} if value.whole_bar else {}))
        else:
            self.heads_written[note.id] += 1
            nth = self.heads_written[note.id]
            element.set("id", note.id if nth == 1 else f"{note.id}{CONTINUED}{nth}")
            if note.velocity != USUAL:
                element.set("dynamics", f"{note.velocity * 100 / LOUD:.2f}")
            if place:
                _add(element, "chord")
            _pitch(element, note.pitch)
        _add(element, "duration", self._time(value.length))
        for tied, kind in zip(value.tied, ("stop", "start"), strict=True):
            if tied:
                _add(element, "tie", type=kind)
        _add(element, "voice", lane.number)
        if not value.whole_bar:
            _add(element, "type", value.kind)
            for _ in range(value.dots):
                _add(element, "dot")
        if accidental:
            _add(element, "accidental", accidental)
        if value.ratio:
            row = _add(element, "time-modification")
            _add(row, "actual-notes", value.ratio[0])
            _add(row, "normal-notes", value.ratio[1])
        if note and (head := self.heads.get(note.id)):
            _add(element, "notehead", head)
        if staves > 1:
            _add(element, "staff", lane.staff)
        if place == 0:
            for number, beam in enumerate(value.beams, 1):
                _add(element, "beam", beam, number=str(number))
        _notations(element, value, note, place, lower=self.lower)


def _pitch(element: etree._Element, pitch: Pitch) -> None:
    row = _add(element, "pitch")
    _add(row, "step", pitch.step)
    if pitch.alter:
        _add(row, "alter", pitch.alter)
    _add(row, "octave", pitch.octave)


def _notations(element: etree._Element, value: Value, note: Note | None, place: int, *, lower: bool) -> None:
    row = etree.Element("notations")
    for tied, kind in zip(value.tied, ("stop", "start"), strict=True):
        if tied:
            _add(row, "tied", type=kind)
    if place == 0:
        for kind in value.tuplet.split():
            _add(row, "tuplet", type=kind, **({"bracket": "no" if value.beams else "yes"} if kind == "start" else {}))
        # A chord carries its marks once; strokes stand where a note begins, breath and fermata where it ends.
        if note:
            marks = [mark for mark in note.marks if value.tied[int(mark == "breath-mark")] is False]
            if marks:
                strokes = _add(row, "articulations")
                for mark in marks:
                    _add(strokes, mark)
            if note.fermata and not value.tied[1]:
                _add(row, "fermata", type="inverted" if lower else "upright")
    if len(row):
        element.append(row)


def _accidentals(
    bar: Sequence[tuple[Voice, Sequence[Value]]], score: Score, start: Fraction
) -> dict[tuple[int, Fraction, str], str]:
    """The accidentals to print in a bar, by voice, start and note: what neither key nor bar says already."""
    found: dict[tuple[int, Fraction, str], str] = {}
    for _, staff in groupby(bar, key=lambda row: row[0].staff):
        rows = sorted(
            ((value.start, lane.number, value) for lane, values in staff for value in values),
            key=lambda row: (row[0], row[1]),
        )
        said: dict[int, int] = {}
        fifths = None
        for time, number, value in rows:
            if (now := key_at(score, start + time).fifths) != fifths:
                fifths, said = now, {}
            for note in value.notes:
                pitch = note.pitch
                known = said.get(pitch.diatonic, in_key(pitch.step, fifths))
                # A tied note's accidental holds over the barline, for that note alone.
                if value.tied[0] and time == 0:
                    continue
                if pitch.alter != known:
                    found[number, value.start, note.id] = ACCIDENTALS[pitch.alter]
                    said[pitch.diatonic] = pitch.alter
    return found


def in_key(step: str, fifths: int) -> int:
    """The alteration that a signature gives a step: F in one sharp is 1."""
    return (fifths + 6 - FIFTHS.index(step)) // 7


def decimal(number: Fraction) -> str:
    """A number in decimals, fine enough to give any tempo back."""
    text = f"{Decimal(number.numerator) / Decimal(number.denominator):.16f}"
    return text.rstrip("0").rstrip(".")
