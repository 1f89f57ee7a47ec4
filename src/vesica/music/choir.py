"""A choir of our own, for when no SoundFont is there: pulses of air, shaped by the mouths of a few singers a part.

Source and filter (Fant, 1960): each singer is a pulse train with vibrato, drift and breath of their own, sent through
five formants of a vowel between "ah" and "oh". Formants by kind of voice after the tables of IRCAM's CHANT, which the
Csound manual prints. The same notes give the same bytes.
"""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from vesica.compiled import kernel
from vesica.music.player import RATE, Mix
from vesica.music.sounded import Sounded
from vesica.work import Progress, Step

SINGERS = 4
"""In each part."""

VOWELS = {
    "soprano": (
        ((800, 80, 0), (1150, 90, -6), (2900, 120, -32), (3900, 130, -20), (4950, 140, -50)),
        ((450, 70, 0), (800, 80, -11), (2830, 100, -22), (3800, 130, -22), (4950, 135, -50)),
    ),
    "alto": (
        ((800, 80, 0), (1150, 90, -4), (2800, 120, -20), (3500, 130, -36), (4950, 140, -60)),
        ((450, 70, 0), (800, 80, -9), (2830, 100, -16), (3500, 130, -28), (4950, 135, -55)),
    ),
    "tenor": (
        ((650, 80, 0), (1080, 90, -6), (2650, 120, -7), (2900, 130, -8), (3250, 140, -22)),
        ((400, 70, 0), (800, 80, -10), (2600, 100, -12), (2800, 130, -12), (3000, 135, -26)),
    ),
    "bass": (
        ((600, 60, 0), (1040, 70, -7), (2250, 110, -9), (2450, 120, -9), (2750, 130, -20)),
        ((400, 40, 0), (750, 80, -11), (2400, 100, -21), (2600, 120, -20), (2900, 120, -40)),
    ),
}
"""For each voice "ah" and "oh": formants as (Hz, width in Hz, decibels against the first)."""

OPENNESS = 0.6
"""0 sings "oh", 1 "ah"."""

HIGHEST = 7000.0
"""Hz of the highest partial."""

LEVEL = 0.05
"""Rms of one singer at velocity 127."""

BLEND = -5.0
"""Decibels for the upper three formants: choir singers hold back the ring that carries a soloist."""

PARTIALS = 96
"""Of the richest tone: enough for HIGHEST from the E below the bass staff up."""

TABLE = 2048
NOISE = 1 << 16

SINGER = np.dtype(
    [
        *((name, np.int64) for name in ("start", "frames", "table", "noise")),
        *((name, np.float64) for name in ("step", "phase", "level", "left", "right")),
        # Frames of rise and fall; cycles a frame and cents of vibrato, its phase, and when it sets in; cents of drift,
        # and of the slide up into the note.
        *((name, np.float64) for name in ("attack", "release", "vib_rate", "vib_depth", "vib_phase", "vib_after")),
        *((name, np.float64) for name in ("drift", "scoop", "breath")),
        # Five two-pole filters: gain, b2 (0: low-pass, -1: band-pass), a1, a2.
        ("mouth", np.float64, (5, 4)),
    ],
    align=True,
)
"""One singer on one note."""


def sing(notes: Sequence[Sounded], *, rate: int = RATE, progress: Progress | None = None) -> Mix:
    """The notes sung, float64 [frames, 2]. Programs are left aside: whoever is asked, the choir sings.

    ``progress`` is called after each part and may raise ``Cancelled``.
    """
    stems = sorted({note.stem for note in notes})
    last = max((note.start + note.length for note in notes), default=0.0)
    mix = np.zeros((int((last + 0.5) * rate), 2))
    tables = _tables()
    noise = np.random.default_rng(1750).standard_normal(NOISE)
    slow = _slow_noise()
    for done, stem in enumerate(stems, 1):
        singers = _singers([note for note in notes if note.stem == stem], stem, rate)
        render_singers(singers, tables, noise, slow, mix)
        if progress:
            progress(Step(done, len(stems), note="singing"))
    return mix


def voice_of(pitches: Sequence[int]) -> str:
    """Who sings these keys."""
    middle = median(pitches)
    return "soprano" if middle >= 67 else "alto" if middle >= 60 else "tenor" if middle >= 53 else "bass"


def _singers(notes: Sequence[Sounded], stem: int, rate: int) -> NDArray[np.void]:
    voice = voice_of([note.pitch for note in notes])
    rows = np.zeros(len(notes) * SINGERS, SINGER)
    place = 0
    for singer in range(SINGERS):
        chance = np.random.default_rng([1750, stem, singer])
        # What a singer is born with: size of the mouth, vibrato, ear, seat.
        mouth, speed = 1 + 0.035 * chance.standard_normal(), 5.5 + 0.35 * chance.standard_normal()
        depth, tuned = 16 + 10 * chance.random(), 4.5 * chance.standard_normal()
        aside = 0.3 * (singer / max(1, SINGERS - 1) - 0.5)
        for note in sorted(notes, key=lambda one: (one.start, one.pitch)):
            row = rows[place]
            place += 1
            late = max(0.0, note.start + 0.012 * chance.standard_normal())
            attack = (0.085 + 0.05 * chance.random()) * (1.25 - note.velocity / 254)
            release = 0.11 + 0.05 * chance.random()
            hertz = 440 * 2 ** ((note.pitch - 69) / 12 + (tuned + 2.5 * chance.standard_normal()) / 1200)
            partials = min(PARTIALS, max(1, int(HIGHEST / hertz)))
            row["start"], row["frames"] = round(late * rate), round((note.length + release) * rate)
            row["table"] = partials - 1
            row["noise"] = int(chance.integers(NOISE))
            row["step"], row["phase"] = hertz / rate, chance.random()
            row["attack"], row["release"] = min(attack, 0.5 * note.length) * rate, release * rate
            row["vib_rate"] = speed * (1 + 0.03 * chance.standard_normal()) / rate
            row["vib_depth"], row["vib_phase"] = depth, chance.random()
            row["vib_after"] = (0.15 + 0.15 * chance.random()) * rate
            row["drift"], row["scoop"] = 6.0, -18 - 22 * chance.random()
            row["breath"] = 0.016
            row["mouth"] = _mouth(voice, hertz, mouth, note.velocity, rate)
            loud = LEVEL * (note.velocity / 127) ** 2 / _rms(row["mouth"], hertz, partials, rate)
            pan = min(1.0, max(0.0, 0.5 + 0.5 * (note.pan + aside)))
            row["level"] = loud
            row["left"], row["right"] = math.cos(pan * math.pi / 2), math.sin(pan * math.pi / 2)
    return rows


def _mouth(voice: str, hertz: float, size: float, velocity: int, rate: int) -> NDArray[np.float64]:
    """Five filters: the first lets the fundamental through as a throat does, the others add their bands."""
    found = np.zeros((5, 4))
    open_, closed = VOWELS[voice]
    first = 0.0
    for index, (one, two) in enumerate(zip(open_, closed, strict=True)):
        centre, width, level = (OPENNESS * a + (1 - OPENNESS) * b for a, b in zip(one, two, strict=True))
        centre *= size
        # Singers open the mouth so that the first formant never lies under the note.
        centre = max(centre, hertz * (1.02 + 0.15 * index)) if index < 2 else centre
        width *= 1.35
        first = first or centre
        # Who sings louder sings brighter.
        level += (0, 0, BLEND, BLEND, BLEND)[index] + (velocity - 80) / 40 * (0, 1, 4, 4, 4)[index]
        # The source falls by 6 dB an octave; a formant's level is meant after that.
        gain = 10 ** (level / 20) * (centre / first) * (-1) ** index
        turn = 2 * math.pi * centre / rate
        alpha = math.sin(turn) * width / (2 * centre)
        a0, a1, a2 = 1 + alpha, -2 * math.cos(turn), 1 - alpha
        if index == 0:
            found[index] = gain * (1 - math.cos(turn)) / 2 / a0 * (width / centre), 1.0, a1 / a0, a2 / a0
        else:
            found[index] = gain * alpha / a0, -1.0, a1 / a0, a2 / a0
    return found


def _rms(mouth: NDArray[np.float64], hertz: float, partials: int, rate: int) -> float:
    """Of one singer at level 1, from what the filters do to each partial."""
    number = np.arange(1, partials + 1)
    z = np.exp(-2j * np.pi * number * hertz / rate)
    answer = np.zeros(partials, complex)
    for gain, b2, a1, a2 in mouth:
        b1 = 2.0 if b2 > 0 else 0.0
        answer += gain * (1 + b1 * z + b2 * z * z) / (1 + a1 * z + a2 * z * z)
    return float(np.sqrt((np.abs(answer / number) ** 2).sum() / 2))


def _tables() -> NDArray[np.float64]:
    """One cycle of 1, 2 .. PARTIALS partials that fall by 6 dB an octave, a row each; the last frame is the first."""
    time = np.arange(TABLE + 1) / TABLE
    number = np.arange(1, PARTIALS + 1)[:, None]
    found: NDArray[np.float64] = np.cumsum(np.sin(2 * np.pi * number * time) / number, axis=0)
    return found


def _slow_noise() -> NDArray[np.float64]:
    """A wandering line of variance 1, one point every 64 frames, slower than 4 Hz; goes round."""
    spectrum = np.fft.rfft(np.random.default_rng(1723).standard_normal(NOISE))
    hertz = np.arange(len(spectrum)) * RATE / 64 / NOISE
    spectrum *= 1 / (1 + (hertz / 4) ** 2)
    line = np.fft.irfft(spectrum)
    found: NDArray[np.float64] = line / line.std()
    return found


@kernel
def render_singers(
    singers: NDArray[np.void],
    tables: NDArray[np.float64],
    noise: NDArray[np.float64],
    slow: NDArray[np.float64],
    out: Mix,
) -> None:
    """Add every singer to ``out`` [frames, 2]."""
    size, mask = tables.shape[1] - 1, len(noise) - 1
    for index in range(len(singers)):
        one = singers[index]
        mouth, table = one.mouth, tables[one.table]
        z1, z2 = np.zeros(5), np.zeros(5)
        phase, step, t = one.phase, one.step, 0
        frames = min(one.frames, len(out) - one.start)
        while t < frames:
            until = min(frames, t + 64)
            wave = math.sin(2 * math.pi * (one.vib_rate * t + one.vib_phase)) * min(1.0, t / (2 * one.vib_after))
            cents = one.vib_depth * wave + one.drift * slow[(one.noise + t // 64) & mask]
            # The slide into the note takes about a tenth of a second.
            cents += one.scoop * math.exp(-t / (1.5 * one.attack + 1))
            goal = one.step * 2 ** (cents / 1200)
            slope = (goal - step) / (until - t)
            swell = 0.86 + 0.14 * math.sin(math.pi * t / frames) + 0.05 * slow[(one.noise + 9973 + t // 64) & mask]
            for frame in range(t, until):
                level = one.level * swell
                if frame < one.attack:
                    level *= 0.5 - 0.5 * math.cos(math.pi * frame / one.attack)
                if frame > one.frames - one.release:
                    level *= 0.5 - 0.5 * math.cos(math.pi * (one.frames - frame) / one.release)
                step += slope
                phase += step
                if phase >= 1:
                    phase -= 1
                place = phase * size
                whole = int(place)
                x = table[whole] + (place - whole) * (table[whole + 1] - table[whole])
                x += one.breath * noise[(one.noise + frame) & mask]
                sung = 0.0
                for band in range(5):
                    # Transposed direct form II.
                    y = x + z1[band]
                    b1 = 2.0 if mouth[band, 1] > 0 else 0.0
                    z1[band] = b1 * x - mouth[band, 2] * y + z2[band]
                    z2[band] = mouth[band, 1] * x - mouth[band, 3] * y
                    sung += mouth[band, 0] * y
                out[one.start + frame, 0] += sung * level * one.left
                out[one.start + frame, 1] += sung * level * one.right
            t = until
