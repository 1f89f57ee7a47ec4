"""MusicXML in: partwise or timewise, plain or packed as .mxl, from any program. Made for files nobody has vetted."""

import io
import re
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from typing import Any
from xml.parsers import expat

from lxml import etree

from vesica.errors import VesicaError
from vesica.music.align import with_ids
from vesica.music.musicxml import CONTINUED, LOUD, USUAL
from vesica.music.notation import KINDS
from vesica.music.score import (
    FINEST,
    MARKS,
    MODERATE,
    MOST_AT_ONCE,
    MOST_BARS,
    MOST_CHANGES,
    MOST_NOTES,
    MOST_PARTS,
    PLAIN,
    SEMITONES,
    STEPS,
    ZERO,
    Key,
    Metre,
    Mode,
    Note,
    Part,
    Pitch,
    Score,
    Sign,
    Tempo,
    nearest,
    spell,
    tidy,
)
from vesica.music.score_json import ID, check, plain

MOST_ENTRIES = 100
MOST_BYTES = 64 << 20
MOST_TAGS = 2_500_000
"""Tags and attributes of a file, counted before it is parsed: a symphony has up to two million, of 200 bytes each."""
MOST_BETWEEN = 40_000
"""Directions, attributes, steps back and forward: a symphony's 15,000 measures have two or three each."""
MOST_CHILDREN = 200
"""Of a note or a direction, how many are looked at; programs write up to 20."""
MOST_LOST = 200_000
"""Of what a score of ours does not hold, how many are counted."""
MOST_RATIO = 200
"""Times that a packed file may grow; music shrinks 10 to 30 times."""

MOST_TOGETHER = 8
"""Notes of one pitch that may be tied on at one time and still be told apart."""

DECIMAL = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})")
"""A number as XML Schema writes it: no exponent, which could stand for a gigabyte of digits."""

NEAR = Fraction(1, 64)
"""Quarter notes that a broken file may be away from its barline."""

COARSE = 10_080
"""Denominator that a file's broken times are rounded to."""

KIND_LENGTHS = {name: length for length, name in KINDS.items()}
LOUDNESS = {"pppp": 20, "ppp": 28, "pp": 38, "p": 50, "mp": 64, "mf": 80, "f": 96, "ff": 110, "fff": 120, "ffff": 127}
PROGRAMS = {
    "piano": 0,
    "harpsichord": 6,
    "celesta": 8,
    "organ": 19,
    "guitar": 24,
    "violin": 40,
    "viola": 41,
    "violoncello": 42,
    "cello": 42,
    "contrabass": 43,
    "double bass": 43,
    "harp": 46,
    "timpani": 47,
    "soprano": 52,
    "alto": 52,
    "tenor": 52,
    "bass": 52,
    "voice": 52,
    "choir": 52,
    "trumpet": 56,
    "trombone": 57,
    "tuba": 58,
    "horn": 60,
    "oboe": 68,
    "english horn": 69,
    "bassoon": 70,
    "clarinet": 71,
    "piccolo": 72,
    "flute": 73,
    "recorder": 74,
}
"""General MIDI programs of parts that name an instrument and no program."""

REMEMBERED = 1 << 14
"""Of a file's short texts, how many are remembered with what they mean: a score says the same few again and again."""

LOST = {
    "lyric": "words under notes",
    "dynamics": "dynamic marks (they became loudness)",
    "wedge": "hairpins",
    "slur": "slurs",
    "grace": "grace notes",
    "cue": "cue notes",
    "unpitched": "drums",
    "ornaments": "ornaments",
    "harmony": "chord symbols",
    "figured-bass": "figured bass",
    "repeat": "repeats",
    "ending": "endings",
    "glissando": "glissandi",
    "arpeggiate": "arpeggios",
    "fingering": "fingerings",
    "pedal": "pedal marks",
    "octave-shift": "octave brackets",
    "tremolo": "tremolos",
}
"""Elements that a score of ours does not hold, in a person's words."""


def read_musicxml(data: bytes) -> Score:
    """The score in a MusicXML or .mxl file, sounding pitch, notes called as the file calls them.

    What it holds and a ``Score`` does not is told in ``remarks``. Raises ``VesicaError`` where it is broken, hostile
    or not MusicXML.
    """
    if data.startswith(b"PK"):
        data = unpacked(data)
    root = _parsed(data)
    if root.tag == "score-timewise":
        root = _partwise(root)
    if root.tag != "score-partwise":
        raise VesicaError(f"This XML holds a <{str(root.tag)[:40]}>, not a score; bring MusicXML.")
    if len(root.findall("part")) > MOST_PARTS:
        raise VesicaError(f"This MusicXML file has more than {MOST_PARTS} parts; bring a part of it.")
    if _more(root, MOST_NOTES, "note"):
        raise VesicaError(f"This score has more than {MOST_NOTES:,} notes; bring a part of it.")
    if _more(root, MOST_BETWEEN, "attributes", "backup", "direction", "forward", "sound"):
        raise VesicaError(f"This score has more than {MOST_BETWEEN:,} marks between its notes; bring a part of it.")
    return _Reading(root).score()


def _more(root: etree._Element, most: int, *tags: str) -> bool:
    """Whether there are more than ``most`` elements of these kinds; no more are looked at."""
    return sum(1 for _ in islice(root.iter(*tags), most + 1)) > most


def unpacked(data: bytes) -> bytes:
    """The score inside an .mxl file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if len(packed.infolist()) > MOST_ENTRIES:
                raise VesicaError(f"This .mxl file holds more than {MOST_ENTRIES} files; save the score again.")
            names = [entry.filename for entry in packed.infolist()]
            if any(_escapes(name) for name in names):
                raise VesicaError("This .mxl file names files outside itself, as no notation program does; refused.")
            container = _parsed(_entry(packed, "META-INF/container.xml", len(data)))
            inside = container.find(".//{*}rootfile")
            path = inside.get("full-path") if inside is not None else None
            if path is None:
                raise VesicaError("This .mxl file does not say which of its files is the score; save it again.")
            return _entry(packed, path, len(data))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as fault:
        raise VesicaError("This .mxl file is broken or locked; save the score again.") from fault


def _escapes(name: str) -> bool:
    return name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name


def _entry(packed: zipfile.ZipFile, path: str, size: int) -> bytes:
    """A packed file's bytes, counted while they are unpacked; what its header promises is not believed."""
    try:
        if packed.getinfo(path).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile
        stream = packed.open(path)
    except KeyError:
        raise VesicaError(f"This .mxl file lacks {path[:60]!r}, which it should hold; save the score again.") from None
    most = min(MOST_BYTES, MOST_RATIO * size)
    with stream:
        found = stream.read(most + 1)
    if len(found) > most:
        raise VesicaError(
            "This .mxl file unpacks to far more than a score needs; save it again, or bring a part of it."
        )
    return found


def _parsed(data: bytes) -> etree._Element:
    if len(data) > MOST_BYTES:
        raise VesicaError(f"This MusicXML file is larger than {MOST_BYTES >> 20} MB; bring a part of it.")
    if data.count(b"<") + data.count(b"=") > MOST_TAGS:
        raise VesicaError(f"This MusicXML file is larger than {MOST_TAGS:,} tags and attributes; bring a part of it.")
    _plain_prologue(data)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        line = getattr(fault, "lineno", None)
        where = f" at line {line}" if line else ""
        raise VesicaError(f"This MusicXML file is broken{where}; export it again.") from fault
    return root


def _plain_prologue(data: bytes) -> None:
    """Refuse a document type with declarations inside, entities and default attributes, before anything expands them.

    A parser of its own looks no further than the first element. Where it can't get there, the file is broken.
    """

    class Reached(Exception):
        pass

    def doctype(_name: str, _system: str | None, _public: str | None, inside: bool) -> None:
        if inside:
            raise VesicaError("This XML declares entities of its own, as no notation program does; refused.")

    def element(_name: str, _attributes: list[str]) -> None:
        raise Reached

    looking = expat.ParserCreate()
    looking.ordered_attributes = True
    looking.StartDoctypeDeclHandler = doctype
    looking.StartElementHandler = element
    try:
        looking.Parse(data, True)
    except Reached:
        pass
    except (expat.ExpatError, ValueError, LookupError) as fault:
        line = f" at line {fault.lineno}" if isinstance(fault, expat.ExpatError) else ""
        raise VesicaError(f"This MusicXML file is broken{line}; export it again.") from fault


def _partwise(root: etree._Element) -> etree._Element:
    """A timewise score, each part's measures gathered."""
    whole = etree.Element("score-partwise")
    parts: dict[str, etree._Element] = {}
    for child in list(root):
        if child.tag != "measure":
            whole.append(child)
            continue
        for part in list(child):
            name = part.get("id") or ""
            if name not in parts:
                parts[name] = etree.Element("part", id=name)
            measure = etree.SubElement(parts[name], "measure")
            measure.attrib.update(child.attrib)
            measure.extend(list(part))
    whole.extend(parts.values())
    return whole


@dataclass
class _Part:
    """What a part's measures say. Times in quarter notes from the beginning of their measure."""

    name: str
    program: int
    notes: list[tuple[int, Note, bool, bool]] = field(default_factory=list)
    """Measure, note (onset in the measure), whether tied from before, and whether tied on."""
    places: list[tuple[str, int]] = field(default_factory=list)
    """Of each note: its voice as the file calls it, and its staff."""
    lengths: list[Fraction] = field(default_factory=list)
    metres: list[tuple[int, Fraction, int, int]] = field(default_factory=list)
    keys: list[tuple[int, Fraction, int, Mode]] = field(default_factory=list)
    tempi: list[tuple[int, Fraction, Fraction]] = field(default_factory=list)
    implicit: bool = False


class _Reading:
    """One file being read."""

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self.lost = Counter(str(found.tag) for found in islice(root.iter(*LOST), MOST_LOST))
        self.count = 0

    def score(self) -> Score:
        """Assemble what the parts say on one time line."""
        listed: dict[str, Any] = {str(row.get("id")): row for row in self.root.iterfind("part-list/score-part")}
        parts = [self._part(part, listed.get(str(part.get("id")))) for part in self.root.iterfind("part")]
        if not parts:
            raise VesicaError("This MusicXML file has no parts; export it again.")
        if not any(part.lengths for part in parts):
            raise VesicaError("This MusicXML file has no bars; export it again.")
        lengths = self._lengths(parts)
        starts = [ZERO]
        for length in lengths:
            starts.append(starts[-1] + length)
        metres, pickup = self._metres(parts[0], lengths, starts)
        sounding = tuple(Part(part.name, part.program, tuple(_joined(part, starts))) for part in parts)
        keys = _from_zero(
            [Key(starts[bar] + time, fifths, mode) for bar, time, fifths, mode in parts[0].keys], PLAIN[0]
        )
        tempi = _from_zero(
            [Tempo(starts[bar] + time, speed) for part in parts for bar, time, speed in part.tempi], MODERATE[0]
        )
        score = Score(_title(self.root), sounding, metres, keys, tempi, pickup, tuple(self._remarks()))
        score = tidy(with_ids(score))  # in this order: of notes that differ in loudness alone, the id tells the order
        check(score)
        return score

    # Measures

    def _part(self, element: etree._Element, listed: etree._Element | None) -> _Part:
        name = _text(listed, "part-name")
        part = _Part(name, _program(listed, name))
        divisions, velocity, shift = Fraction(1), USUAL, (0, 0)
        for bar, measure in enumerate(element.iterfind("measure")):
            if bar >= MOST_BARS:
                raise VesicaError(f"This score has more than {MOST_BARS:,} bars; bring a part of it.")
            if bar == 0:
                part.implicit = measure.get("implicit") == "yes"
            now = furthest = last = ZERO
            first: Note | None = None
            mended, together, back = False, 0, 0
            for item in measure:
                match item.tag:
                    case "attributes":
                        divisions = _number(item.findtext("divisions"), divisions, low=Fraction(1, 1000))
                        shift = _transposition(item) or shift
                        _bounded(part)
                        self._attributes(item, part, bar, now, shift)
                    case "backup":
                        back += 1
                        if back > MOST_AT_ONCE:
                            raise VesicaError(
                                f"This score goes back more than {MOST_AT_ONCE} times in a bar; export it again."
                            )
                        now -= _duration(item, divisions)
                        # A file that rounds its tuplets does not come back to the barline itself.
                        now = ZERO if now < 0 or (mended and now < NEAR) else now
                    case "forward":
                        now += _duration(item, divisions)
                    case "direction" | "sound":
                        offset = _number(item.findtext("offset"), ZERO) / divisions
                        velocity = self._direction(item, part, bar, max(ZERO, now + offset), velocity)
                        _bounded(part)
                    case "note":
                        told = _children(item)
                        length, odd = _note_length(item, told, divisions)
                        mended |= odd
                        chord = "chord" in told
                        together = together + 1 if chord else 1
                        if together > MOST_AT_ONCE:
                            raise VesicaError(
                                f"This score has a chord of more than {MOST_AT_ONCE} notes; thin it out and export it "
                                "again."
                            )
                        at = last if chord else now
                        if "grace" not in told:
                            first = self._note(
                                item, told, part, bar, at, length, velocity, shift, first if chord else None
                            )
                            if not chord:
                                last, now = now, now + length
                                furthest = max(furthest, now)
                        continue
                furthest = max(furthest, now)
            part.lengths.append(furthest)
        _separate(part)
        return part

    def _attributes(self, item: etree._Element, part: _Part, bar: int, now: Fraction, shift: tuple[int, int]) -> None:
        for key in item.iterfind("key"):
            fifths = _whole(key.findtext("fifths"), 0, -15, 15) + 7 * shift[1] - 12 * shift[0]
            while abs(fifths) > 7:
                fifths += -12 if fifths > 0 else 12
            mode: Mode = "minor" if key.findtext("mode") == "minor" else "major"
            part.keys.append((bar, now, fifths, mode))
            break
        time = item.find("time")
        if time is not None:
            beats = [
                _whole(count, 0, 0, 64)
                for text in islice(time.iterfind("beats"), 64)
                for count in (text.text or "")[:200].split("+")
            ]
            unit = _whole(time.findtext("beat-type"), 4, 1, 64)
            if 1 <= sum(beats) <= 64 and not unit & (unit - 1):
                part.metres.append((bar, now, sum(beats), unit))

    def _direction(self, item: etree._Element, part: _Part, bar: int, now: Fraction, velocity: int) -> int:
        told = _children(item)
        if item.tag == "direction" and not ("sound" in told or "direction-type" in told):
            return velocity
        sound = item if item.tag == "sound" else told.get("sound")
        speed = sound.get("tempo") if sound is not None else None
        quarters = _number(speed, ZERO) if speed else _metronome(item.find("direction-type/metronome"))
        if 1 <= quarters <= 2000:
            part.tempi.append((bar, now, quarters.limit_denominator(FINEST)))
        if sound is not None and sound.get("dynamics"):
            return _loudness(_short(sound.get("dynamics")), velocity)
        for mark in item.iterfind("direction-type/dynamics/*"):
            velocity = LOUDNESS.get(str(mark.tag), velocity)
        return velocity

    def _note(
        self,
        item: etree._Element,
        told: Mapping[str, etree._Element],
        part: _Part,
        bar: int,
        now: Fraction,
        length: Fraction,
        velocity: int,
        shift: tuple[int, int],
        first: Note | None,
    ) -> Note | None:
        """Keep a note that sounds, and return the note whose marks the rest of its chord shares.

        ``told`` is the first of each kind of ``item``'s elements, as one walk finds them.
        """
        pitch = told.get("pitch")
        if pitch is None or "cue" in told or not length:
            return None
        self.count += 1
        if self.count > MOST_NOTES:
            raise VesicaError(f"This score has more than {MOST_NOTES:,} notes; bring a part of it.")
        named = (item.get("id") or "").partition(CONTINUED)[0]
        marks: tuple[str, ...] = first.marks if first else ()
        fermata = first is not None and first.fermata
        if "notations" in told:
            found = {str(mark.tag) for mark in item.iterfind("notations/articulations/*")} & set(MARKS)
            marks = tuple(sorted(found | set(marks)))
            fermata |= item.find("notations/fermata") is not None
        voice = _told(told, "voice")
        note = Note(
            named if ID.fullmatch(named) else "",
            now,
            length,
            self._pitch(pitch, part, shift),
            _voice(voice),
            _loudness(_short(item.get("dynamics")), velocity),
            fermata,
            marks,
        )
        ties = {tie.get("type") for tie in islice(item.iterfind("tie"), MOST_CHILDREN)} if "tie" in told else ()
        part.notes.append((bar, note, "stop" in ties, "start" in ties))
        part.places.append((voice or "", _whole(_told(told, "staff"), 1, 1, 9)))
        return first or note

    def _pitch(self, item: etree._Element, part: _Part, shift: tuple[int, int]) -> Pitch:
        fifths = part.keys[-1][2] if part.keys else 0
        found, microtone = _sounding(tuple((child.tag, _short(child.text)) for child in islice(item, 4)), shift, fifths)
        self.lost["microtones"] += microtone
        return found

    # Time

    def _lengths(self, parts: list[_Part]) -> list[Fraction]:
        """How long each measure is: as long as its longest part, or as its metre where nothing stands in it."""
        count = max(len(part.lengths) for part in parts)
        metre, found = Metre(ZERO, 4, 4), []
        changes = {bar: Metre(ZERO, beats, unit) for bar, time, beats, unit in parts[0].metres if time == 0}
        for bar in range(count):
            metre = changes.get(bar, metre)
            length = max((part.lengths[bar] for part in parts if bar < len(part.lengths)), default=ZERO)
            last = bar == count - 1
            if not length or (last and count > 1 and length < metre.length):
                length = metre.length
            short = length < metre.length and bar + 1 in changes
            if length.denominator > 64 and length != metre.length and not short:
                # Rounding in the file, not music.
                near = Fraction(max(1, round(length * 64)), 64)
                length = metre.length if abs(length - metre.length) < Fraction(1, 16) else near
            found.append(length)
        return found

    def _metres(
        self, part: _Part, lengths: list[Fraction], starts: list[Fraction]
    ) -> tuple[tuple[Metre, ...], Fraction]:
        """Metres, with more where a measure is longer or shorter than the metre says, and the pick-up."""
        told = {bar: (beats, unit) for bar, time, beats, unit in part.metres if time == 0}
        inside = [(starts[bar] + time, beats, unit) for bar, time, beats, unit in part.metres if time]
        beats, unit = told.get(0, (4, 4))
        metres = [Metre(ZERO, beats, unit)]
        now = metres[0]
        pickup = lengths[0] if lengths[0] < now.length and (part.implicit or len(lengths) > 1) else ZERO
        if pickup and len(lengths) > 1 and not part.implicit and 1 in told:
            pickup = ZERO
        usual, bar = now, 1 if pickup else 0
        while bar < len(lengths):
            if bar in told and (bar or pickup):
                usual = Metre(starts[bar], *told[bar])
                if bar:
                    metres.append(usual)
                now = usual
            elif now.length != usual.length:
                now = Metre(starts[bar], usual.beats, usual.unit)
                metres.append(now)
            length, last = lengths[bar], bar == len(lengths) - 1
            if length < now.length and not last and bar + 1 not in told:
                if length + lengths[bar + 1] == now.length and bar + 2 not in told:
                    # A bar that a repeat sign cut in two.
                    bar += 2
                    continue
                now = self._odd(metres, starts[bar], length)
            elif length > now.length:
                now = self._odd(metres, starts[bar], length)
            bar += 1
        metres += [Metre(*row) for row in inside]
        return _from_zero(metres, metres[0]), pickup

    def _odd(self, metres: list[Metre], start: Fraction, length: Fraction) -> Metre:
        """Put down the metre of a bar that keeps none."""
        self.lost["uneven"] += 1
        unit = next((unit for unit in (4, 8, 16, 32, 64) if (length * unit / 4).denominator == 1), 64)
        found = Metre(start, max(1, min(64, round(length * unit / 4))), unit)
        if metres[-1].onset == start:
            metres.pop()
        metres.append(found)
        return found

    def _remarks(self) -> Iterator[str]:
        """What our own writer kept of remarks, then what was left out now, each in a line."""
        told = self.root.iterfind("identification/miscellaneous/miscellaneous-field[@name='vesica-remark']")
        for remark in islice(told, 900):
            text = " ".join((remark.text or "").split())
            if text and plain(text):
                yield text[:2000]
        if lost := [f"{self.lost[name]} {words}" for name, words in LOST.items() if self.lost[name]]:
            yield f"Left out on reading: {', '.join(lost)}."
        if self.lost["microtones"]:
            yield f"{self.lost['microtones']} microtones went to the nearest semitone."


def _bounded(part: _Part) -> None:
    if max(len(part.metres), len(part.keys), len(part.tempi)) > MOST_CHANGES:
        raise VesicaError(f"A part of this score has more than {MOST_CHANGES:,} changes; bring a part of it.")


def _separate(part: _Part) -> None:
    """Where a file gives two staves the same voice, as simple programs do, call the lower staff's otherwise."""
    shares: dict[str, Counter[int]] = defaultdict(Counter)
    for name, staff in part.places:
        shares[name][staff] += 1
    both = {name for name, staves in shares.items() if sorted(staves.values())[-2:-1] > [sum(staves.values()) // 5]}
    used = {note.voice for _, note, _, _ in part.notes}
    names: dict[tuple[str, int], int] = {}
    for place, (bar, note, *ties) in enumerate(part.notes):
        lane = part.places[place]
        if lane[0] in both and lane[1] > 1:
            if lane not in names:
                free = (number for number in range(4 * lane[1] - 3, 99) if number not in used)
                names[lane] = next(free, note.voice)
                used.add(names[lane])
            part.notes[place] = (bar, replace(note, voice=names[lane]), ties[0], ties[1])


# Notes that ties make of noteheads


def _joined(part: _Part, starts: list[Fraction]) -> list[Note]:
    """The part's notes, noteheads that are tied made one."""
    done: list[Note] = []
    open_: dict[tuple[int, Fraction], list[int]] = defaultdict(list)
    # Some programs say where a tie begins and never where it ends.
    only_starts = not any(stop for _, _, stop, _ in part.notes)
    onsets = [starts[bar] + note.onset if note.onset else starts[bar] for bar, note, _, _ in part.notes]
    for place in sorted(range(len(onsets)), key=lambda place: (nearest(onsets[place]), onsets[place])):
        onset = onsets[place]
        _, note, stop, start = part.notes[place]
        onset = _fine(onset)
        length = _fine(note.duration)
        if not length:
            continue  # finer than any music
        before = open_.get((note.pitch.midi, onset), []) if stop or only_starts else []
        if before:
            whole = min(
                before[:MOST_TOGETHER],
                key=lambda one: (done[one].id != note.id, done[one].voice != note.voice, done[one].pitch != note.pitch),
            )
            before.remove(whole)
            one = done[whole]
            done[whole] = Note(
                *(one.id, one.onset, one.duration + length, one.pitch, one.voice, one.velocity),
                fermata=one.fermata or note.fermata,
                marks=tuple(sorted({*one.marks, *note.marks})),
            )
        else:
            whole = len(done)
            done.append(
                Note(*(note.id, onset, length, note.pitch, note.voice, note.velocity, note.fermata), marks=note.marks)
            )
        if start:
            open_[note.pitch.midi, done[whole].end].append(whole)
    return done


def _fine(time: Fraction) -> Fraction:
    return time if time.denominator <= 100_000 else time.limit_denominator(COARSE)


def _from_zero(signs: list[Sign], usual: Sign) -> tuple[Sign, ...]:
    """Changes in order, the last said of each time, beginning at 0."""
    said = {ZERO: usual} | {_fine(sign.onset): replace(sign, onset=_fine(sign.onset)) for sign in signs}
    return tuple(said[onset] for onset in sorted(said))


# Small texts


def _text(element: etree._Element | None, path: str) -> str:
    text = element.findtext(path) if element is not None else None
    text = " ".join((text or "").split())
    return text[:500] if plain(text) else ""


def _title(root: etree._Element) -> str:
    return _text(root, "work/work-title") or _text(root, "movement-title")


def _program(listed: etree._Element | None, name: str) -> int:
    if listed is not None and (told := listed.findtext("midi-instrument/midi-program")):
        return _whole(told, 1, 1, 128) - 1
    low = name.lower()
    return next((program for word, program in sorted(PROGRAMS.items(), key=lambda row: -len(row[0])) if word in low), 0)


def _children(element: etree._Element) -> dict[str, etree._Element]:
    """The first of each kind of an element's first children, as one walk finds them."""
    return dict(reversed([(child.tag, child) for child in islice(element, MOST_CHILDREN)]))


def _told(told: Mapping[str, etree._Element], name: str) -> str | None:
    """The text of one of an element's children, short enough to be remembered."""
    return None if (found := told.get(name)) is None else _short(found.text or "")


def _short(text: str | None) -> str | None:
    """A text that means something is short; a longer one stays as senseless when it is cut."""
    return text and text.strip()[:64]


def _number(text: str | None, default: Fraction, *, low: Fraction | None = None) -> Fraction:
    found = _decimal(text.strip()[:64]) if text else default
    if low is not None and found < low:
        raise VesicaError(f"This MusicXML file says {(text or '')[:20]!r} where that can't be; export it again.")
    return found


@lru_cache(REMEMBERED)
def _decimal(text: str) -> Fraction:
    if not DECIMAL.fullmatch(text):
        raise VesicaError(f"This MusicXML file says {text[:20]!r} where a number belongs; export it again.")
    found = Fraction(text)
    if abs(found) > 1_000_000_000:
        raise VesicaError(f"This MusicXML file says {text[:20]!r} where that can't be; export it again.")
    return found


@lru_cache(REMEMBERED)
def _sounding(told: tuple[tuple[str, str | None], ...], shift: tuple[int, int], fifths: int) -> tuple[Pitch, bool]:
    """The pitch that a <pitch> of these elements and texts sounds as, and whether it stands between the keys."""
    said = dict(reversed(told))
    letter = said.get("step") or ""
    height = _whole(said.get("octave"), 4, -1, 10)
    if letter not in SEMITONES:
        raise VesicaError(f"This MusicXML file has a note of step {letter[:10]!r}; export it again.")
    exact = _number(said.get("alter"), ZERO, low=Fraction(-4))
    nearest_key = round(exact)
    steps, semitones = shift
    written = 7 * height + STEPS.index(letter)
    midi = 12 * (height + 1) + SEMITONES[letter] + nearest_key + semitones
    height, place = divmod(written + steps, 7)
    altered = midi - (12 * (height + 1) + SEMITONES[STEPS[place]])
    if not 0 <= midi <= 127:
        raise VesicaError("This MusicXML file has a note beyond what can be heard; mend it and export it again.")
    named = abs(altered) <= 2 and -1 <= height <= 9
    return Pitch(STEPS[place], altered, height) if named else spell(midi, fifths), nearest_key != exact


def _whole(text: str | None, default: int, low: int, high: int) -> int:
    return min(high, max(low, round(_number(text, ZERO)))) if text else default


def _duration(item: etree._Element, divisions: Fraction) -> Fraction:
    """Of a <backup> or <forward>, in quarter notes."""
    return _length(_short(item.findtext("duration")), None, None, None, 0, *divisions.as_integer_ratio())[0]


def _note_length(
    item: etree._Element, told: Mapping[str, etree._Element], divisions: Fraction
) -> tuple[Fraction, bool]:
    """In quarter notes; and whether the file's divisions can't hold it."""
    many = time = kind = None
    dots = 0
    if "time-modification" in told:
        many, time = (_short(told["time-modification"].findtext(f"{name}-notes")) for name in ("actual", "normal"))
        kind, dots = _told(told, "type"), len(item.findall("dot"))
    return _length(_told(told, "duration"), many, time, kind, dots, *divisions.as_integer_ratio())


@lru_cache(REMEMBERED)
def _length(
    text: str | None, many: str | None, time: str | None, kind: str | None, dots: int, parts: int, of: int
) -> tuple[Fraction, bool]:
    """A duration in divisions (``parts / of`` a quarter note); a tuplet's that they can't hold is what its value says.

    Also whether that happened.
    """
    divisions, told = Fraction(parts, of), max(ZERO, _number(text, ZERO))
    actual, normal = _whole(many, 0, 0, 99), _whole(time, 0, 0, 99)
    unit = KIND_LENGTHS.get((kind or "").strip())
    if actual and normal and unit:
        value = unit * (2 - Fraction(1, 2 ** min(dots, 9))) * normal / actual
        if (value * divisions).denominator > 1 and abs(value * divisions - told) < 1:
            return value, True
    return told / divisions, told.denominator > 1


@lru_cache(REMEMBERED)
def _voice(text: str | None) -> int:
    """1..99; our own writer puts further lines of a voice 100 higher."""
    return _whole(text, 1, 1, 1_000_000) % 100 or 1 if not text or text.strip().isdecimal() else 1


@lru_cache(REMEMBERED)
def _loudness(text: str | None, default: int) -> int:
    return _whole(text and str(float(_number(text, ZERO) * LOUD / 100)), default, 1, 127)


def _metronome(mark: etree._Element | None) -> Fraction:
    """Quarter notes a minute, or 0."""
    beat = KIND_LENGTHS.get((mark.findtext("beat-unit") or "").strip()) if mark is not None else None
    if mark is None or beat is None:
        return ZERO
    digits = "".join(
        letter for letter in (mark.findtext("per-minute") or "")[:30] if letter.isdecimal() or letter == "."
    ).strip(".")
    dotted = Fraction(3, 2) if mark.find("beat-unit-dot") is not None else Fraction(1)
    try:
        return Fraction(digits) * beat * dotted
    except ValueError:
        return ZERO


def _transposition(item: etree._Element) -> tuple[int, int] | None:
    """Steps and semitones from written to sounding pitch."""
    row = item.find("transpose")
    if row is None:
        return None
    octaves = _whole(row.findtext("octave-change"), 0, -5, 5)
    semitones = _whole(row.findtext("chromatic"), 0, -60, 60)
    steps = row.findtext("diatonic")
    near = round(Fraction(semitones * 7, 12)) if steps is None else _whole(steps, 0, -35, 35)
    return near + 7 * octaves, semitones + 12 * octaves
