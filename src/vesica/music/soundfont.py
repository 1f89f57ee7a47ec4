"""SoundFonts read: SF2 as its specification 2.04 says, and SF3, the same with Vorbis samples.

A preset holds zones that point at instruments, an instrument zones that point at samples; a zone says for which keys
and velocities it speaks, and with which generators. ``regions`` folds both levels into one list for a player. The low
eight bits of 24-bit fonts (``sm24``) are left out: they lie 96 dB down.
"""

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vesica.errors import VesicaError

Floats = NDArray[np.float32]


class Gen(IntEnum):
    """Generators that are read here, numbered as in section 8.1.2; lengths in timecents, levels in centibels."""

    START = 0
    END = 1
    LOOP_START = 2
    LOOP_END = 3
    START_COARSE = 4
    MOD_LFO_TO_PITCH = 5
    VIB_LFO_TO_PITCH = 6
    MOD_ENV_TO_PITCH = 7
    FILTER_CUTOFF = 8
    FILTER_Q = 9
    MOD_LFO_TO_FILTER = 10
    MOD_ENV_TO_FILTER = 11
    END_COARSE = 12
    MOD_LFO_TO_VOLUME = 13
    PAN = 17
    MOD_LFO_DELAY = 21
    MOD_LFO_RATE = 22
    VIB_LFO_DELAY = 23
    VIB_LFO_RATE = 24
    MOD_DELAY = 25
    MOD_ATTACK = 26
    MOD_HOLD = 27
    MOD_DECAY = 28
    MOD_SUSTAIN = 29
    MOD_RELEASE = 30
    KEY_TO_MOD_HOLD = 31
    KEY_TO_MOD_DECAY = 32
    VOL_DELAY = 33
    VOL_ATTACK = 34
    VOL_HOLD = 35
    VOL_DECAY = 36
    VOL_SUSTAIN = 37
    VOL_RELEASE = 38
    KEY_TO_VOL_HOLD = 39
    KEY_TO_VOL_DECAY = 40
    INSTRUMENT = 41
    KEYS = 43
    VELOCITIES = 44
    LOOP_START_COARSE = 45
    KEY = 46
    VELOCITY = 47
    ATTENUATION = 48
    LOOP_END_COARSE = 50
    COARSE_TUNE = 51
    FINE_TUNE = 52
    SAMPLE = 53
    SAMPLE_MODES = 54
    SCALE_TUNING = 56
    EXCLUSIVE_CLASS = 57
    ROOT_KEY = 58


_TIMES = (21, 23, 25, 26, 27, 28, 30, 33, 34, 35, 36, 38)
DEFAULTS: Mapping[int, int] = {
    **dict.fromkeys(Gen, 0),
    **dict.fromkeys(_TIMES, -12000),
    Gen.FILTER_CUTOFF: 13500,
    Gen.KEY: -1,
    Gen.VELOCITY: -1,
    Gen.ROOT_KEY: -1,
    Gen.SCALE_TUNING: 100,
}
"""Values where no zone says one (section 8.1.3)."""

SAMPLE_ONLY = frozenset({0, 1, 2, 3, 4, 12, 45, 46, 47, 50, 53, 54, 57, 58})
"""Generators that have no meaning in a preset's zones."""

VORBIS = 0x10
"""Flag of an SF3 sample: a whole Ogg Vorbis stream stands at its bytes."""

LONGEST = 1 << 24
"""Frames of one sample, at most: six minutes. More is a broken file or a bomb, not an instrument."""

MOST_REGIONS = 4096
"""Of one preset, at most; a grand piano has a few hundred."""

MOST_ROWS = 256
"""Generators or modulators of one zone; the specification knows 60 generators."""

_PHDR = np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("unused", "<u4", 3)])
_INST = np.dtype([("name", "S20"), ("bag", "<u2")])
_BAG = np.dtype([("gen", "<u2"), ("mod", "<u2")])
_GEN = np.dtype([("oper", "<u2"), ("amount", "<i2")])
_MOD = np.dtype([("source", "<u2"), ("to", "<u2"), ("amount", "<i2"), ("by", "<u2"), ("transform", "<u2")])
_SHDR = np.dtype(
    [
        *(("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4")),
        *(("rate", "<u4"), ("root", "u1"), ("correction", "i1"), ("link", "<u2"), ("kind", "<u2")),
    ]
)
_TABLES = {
    "phdr": _PHDR,
    "pbag": _BAG,
    "pmod": _MOD,
    "pgen": _GEN,
    "inst": _INST,
    "ibag": _BAG,
    "imod": _MOD,
    "igen": _GEN,
    "shdr": _SHDR,
}


@dataclass(frozen=True, slots=True)
class Modulator:
    """Adds ``amount`` times ``source`` times ``by`` to the generator ``to``; sources as in section 8.2."""

    source: int
    to: int
    amount: int
    by: int = 0


DEFAULT_MODULATORS = (Modulator(0x0502, Gen.ATTENUATION, 960),)
"""What velocity does unless a zone says otherwise (section 8.4): 40 log10(127 / velocity) dB softer.

The second one of the specification, from velocity to the filter, reads differently in each of its versions; players
leave it out, and so fonts are made without it.
"""


@dataclass(frozen=True, slots=True)
class Region:
    """One sample and how it plays: a zone of an instrument under a zone of a preset, ranges with both ends."""

    sample: int
    keys: tuple[int, int]
    velocities: tuple[int, int]
    generators: Mapping[int, int]
    """Every generator, defaults filled in."""
    modulators: tuple[Modulator, ...]

    def speaks(self, key: int, velocity: int) -> bool:
        """Whether a note of this key and velocity sounds it."""
        low, high = self.velocities
        return self.keys[0] <= key <= self.keys[1] and low <= velocity <= high


@dataclass(frozen=True, slots=True)
class Sample:
    """Decoded sound. Loop points are frames from its beginning; without a loop both are 0."""

    name: str
    data: Floats
    rate: int
    root: int
    """The key at which it plays as recorded."""
    correction: int
    """Cents to add."""
    loop_start: int
    loop_end: int


class SoundFont:
    """A font in memory; presets and samples are looked at when asked for."""

    def __init__(self, tables: Mapping[str, NDArray[Any]], wave: memoryview) -> None:
        self._tables = tables
        self._wave = wave
        self._presets = {
            (int(row["bank"]), int(row["program"])): index
            # Backwards, so that of two presets in one place the first stands.
            for index, row in reversed(list(enumerate(tables["phdr"][:-1])))
        }
        self._regions: dict[tuple[int, int], tuple[Region, ...]] = {}
        self._samples: dict[int, Sample] = {}

    @property
    def programs(self) -> tuple[tuple[int, int], ...]:
        """Bank and program of every preset, sorted."""
        return tuple(sorted(self._presets))

    def regions(self, bank: int, program: int) -> tuple[Region, ...]:
        """All that a preset can sound. Raises ``VesicaError`` where the font lacks it or its tables are broken."""
        place = bank, program
        if place not in self._presets:
            raise VesicaError(f"This SoundFont has no program {program} in bank {bank}; choose one that it has.")
        if place not in self._regions:
            self._regions[place] = tuple(self._fold(self._presets[place]))
        return self._regions[place]

    def sample(self, index: int) -> Sample:
        """A sample, decoded once. Raises ``VesicaError`` where it points outside the file or can't be decoded."""
        if index not in self._samples:
            self._samples[index] = self._decode(index)
        return self._samples[index]

    def _fold(self, preset: int) -> list[Region]:
        found, tried = [], 0
        for upper, upper_mods in self._zones("p", preset, Gen.INSTRUMENT):
            for lower, mods in self._zones("i", upper[Gen.INSTRUMENT], Gen.SAMPLE):
                tried += 1
                if tried > MOST_REGIONS:
                    raise _broken(f"one of its presets has over {MOST_REGIONS:,} zones")
                keys = _overlap(upper, lower, Gen.KEYS)
                velocities = _overlap(upper, lower, Gen.VELOCITIES)
                if keys[0] > keys[1] or velocities[0] > velocities[1]:
                    continue
                generators = {**DEFAULTS, **lower}
                for gen, amount in upper.items():
                    if gen in generators and gen not in SAMPLE_ONLY:
                        generators[gen] += amount
                found.append(
                    Region(
                        *(lower[Gen.SAMPLE], keys, velocities, generators),
                        modulators=(*_overridden(DEFAULT_MODULATORS, mods), *upper_mods),
                    )
                )
        return found

    def _zones(self, level: str, index: int, last: Gen) -> list[tuple[dict[int, int], tuple[Modulator, ...]]]:
        """Generators and modulators of each zone that points at something, its global zone's already under them."""
        heads, bags = self._tables["phdr" if level == "p" else "inst"], self._tables[level + "bag"]
        gens, mods = self._tables[level + "gen"], self._tables[level + "mod"]
        if not 0 <= index < len(heads) - 1:
            raise _broken(f"a preset points at instrument {index}")
        first, end = int(heads[index]["bag"]), int(heads[index + 1]["bag"])
        if not (first <= end < len(bags) and end - first <= MOST_REGIONS):
            raise _broken("its zones point outside the file")
        found: list[tuple[dict[int, int], tuple[Modulator, ...]]] = []
        base: tuple[dict[int, int], tuple[Modulator, ...]] = {}, ()
        for place in range(first, end):
            here, there = bags[place], bags[place + 1]
            for name, table in (("gen", gens), ("mod", mods)):
                if not (here[name] <= there[name] <= len(table) and there[name] - here[name] <= MOST_ROWS):
                    raise _broken("its generators point outside the file")
            own = {int(row["oper"]): int(row["amount"]) for row in gens[here["gen"] : there["gen"]]}
            rows = mods[here["mod"] : there["mod"]]
            told = tuple(Modulator(*(int(row[name]) for name in ("source", "to", "amount", "by"))) for row in rows)
            if last in own:
                found.append(({**base[0], **own}, _overridden(base[1], told)))
            elif place == first:
                base = own, told
        return found

    def _decode(self, index: int) -> Sample:
        heads = self._tables["shdr"]
        if not 0 <= index < len(heads) - 1:
            raise _broken(f"a zone points at sample {index}")
        head = heads[index]
        name = head["name"].split(b"\0")[0].decode("latin-1").strip()
        start, end = int(head["start"]), int(head["end"])
        rate, root = int(head["rate"]), int(head["root"])
        if not 400 <= rate <= 192_000:
            raise _broken(f"its sample {name!r} has a rate of {rate} Hz")
        loop_start, loop_end = int(head["loop_start"]), int(head["loop_end"])
        if head["kind"] & VORBIS:
            if not start < end <= len(self._wave):
                raise _broken(f"its sample {name!r} lies outside the file")
            data = _vorbis(self._wave[start:end], name)
        else:
            if not (start < end <= len(self._wave) // 2 and end - start <= LONGEST):
                raise _broken(f"its sample {name!r} lies outside the file")
            data = np.frombuffer(self._wave[2 * start : 2 * end], "<i2").astype(np.float32) / np.float32(32768)
            loop_start, loop_end = loop_start - start, loop_end - start
        if not 0 <= loop_start < loop_end <= len(data):
            loop_start = loop_end = 0
        # 255 is an unpitched sample, which plays as recorded at middle C (section 7.10).
        root = root if root <= 127 else 60
        return Sample(name, data, rate, root, int(head["correction"]), loop_start, loop_end)


def read_soundfont(data: bytes) -> SoundFont:
    """A font out of its file's bytes. Raises ``VesicaError`` where they are none, or are cut or damaged."""
    view = memoryview(data)
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise VesicaError("This file is no SoundFont; bring one that ends in .sf2 or .sf3.")
    found: dict[str, memoryview] = {}
    for kind, body in _chunks(view[12:]):
        if kind == "LIST":
            found.update(_chunks(body[4:]))
    for name in ("smpl", *_TABLES):
        if name not in found:
            raise _broken(f"its part {name!r} is missing")
    tables = {}
    for name, row in _TABLES.items():
        # The last record of each table only marks its end; old writers leave out the one of modulators.
        if len(found[name]) % row.itemsize or (len(found[name]) < row.itemsize and not name.endswith("mod")):
            raise _broken(f"its table {name!r} is cut")
        tables[name] = np.frombuffer(found[name], row)
    return SoundFont(tables, found["smpl"])


@lru_cache(maxsize=2)
def open_soundfont(path: Path) -> SoundFont:
    """The font in a file, kept in memory together with the samples it has decoded."""
    return read_soundfont(path.read_bytes())


def _chunks(view: memoryview) -> list[tuple[str, memoryview]]:
    found, place = [], 0
    while place + 8 <= len(view):
        kind = bytes(view[place : place + 4]).decode("latin-1")
        (size,) = struct.unpack_from("<I", view, place + 4)
        if place + 8 + size > len(view):
            raise _broken(f"its part {kind!r} ends too early")
        found.append((kind, view[place + 8 : place + 8 + size]))
        place += 8 + size + size % 2
    return found


def _overlap(upper: Mapping[int, int], lower: Mapping[int, int], gen: Gen) -> tuple[int, int]:
    low, high = 0, 127
    for zone in (upper, lower):
        if gen in zone:
            # Two bytes, low end first.
            low, high = max(low, zone[gen] & 0xFF), min(high, zone[gen] >> 8 & 0xFF)
    return low, high


def _overridden(below: tuple[Modulator, ...], above: tuple[Modulator, ...]) -> tuple[Modulator, ...]:
    """A modulator replaces one below with the same sources and target."""
    told = {(one.source, one.to, one.by): one for one in (*below, *above)}
    return tuple(told.values())


def _vorbis(data: memoryview, name: str) -> Floats:
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.channels != 1 or not 0 < file.frames <= LONGEST:
                raise _broken(f"its sample {name!r} is not one channel of sound")
            found: Floats = file.read(dtype="float32")
    except (soundfile.LibsndfileError, RuntimeError) as fault:
        raise _broken(f"its sample {name!r} can't be decoded") from fault
    if not len(found):
        raise _broken(f"its sample {name!r} is empty")
    return found


def _broken(what: str) -> VesicaError:
    return VesicaError(f"This SoundFont is damaged: {what}; fetch it again.")
