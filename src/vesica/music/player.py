"""A SoundFont player: each note begins and ends on its own frame, and the same notes give the same bytes.

Envelopes and oscillators are closed functions of time, looked at every 64 frames and where a stage begins, and joined
by straight lines. The sampler reads four points (Catmull-Rom), in float64. Each stem is one thread's work, and stems
are added in their order, so that the number of threads changes nothing. Written from the SoundFont specification 2.04;
that an attenuation counts 0.4 of what a font says is how the first hardware did it, and fonts are tuned to it.
"""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from vesica.compiled import kernel
from vesica.errors import VesicaError
from vesica.music.sounded import Sounded
from vesica.music.soundfont import Floats, Gen, Modulator, Region, Sample, SoundFont
from vesica.work import Progress, Step

RATE = 44100
SILENT = 1e-5
"""Amplitude (-100 dB) at which a voice is over."""

SHORTEST_RELEASE = 2.0**-6
"""Seconds to fall by 100 dB; sooner is a click."""

QUICK = 0.05
"""Seconds to fall by 100 dB when a note of the same exclusive class cuts a voice."""

LONGEST_TAIL = 12.0
"""Seconds that a voice may sound after its key is let go."""

MOST_LAYERS = 64
"""Samples that one note may sound."""

_PAD = 4
"""Frames that the interpolation may read past the end."""

VOICE = np.dtype(
    [
        *((name, np.int64) for name in ("start", "off", "base", "end", "loop_end", "loop", "tail", "tail_end")),
        *((name, np.float64) for name in ("step", "left", "right")),
        # The volume envelope: frames, and decibels below full where it rests.
        *((name, np.float64) for name in ("delay", "attack", "hold", "decay", "sustain", "release")),
        # The modulation envelope: frames, and the level 0..1 where it rests.
        *((name, np.float64) for name in ("m_delay", "m_attack", "m_hold", "m_decay", "m_sustain", "m_release")),
        # Cents at the envelope's and the two oscillators' full swing, and decibels at the first one's.
        *((name, np.float64) for name in ("env_pitch", "env_filter", "lfo_pitch", "lfo_filter", "lfo_volume")),
        *((name, np.float64) for name in ("vib_pitch", "lfo_delay", "lfo_rate", "vib_delay", "vib_rate")),
        # Low-pass: cents above 8.176 Hz, and Q in decibels; ``filtered`` says whether it is heard at all.
        *((name, np.float64) for name in ("cutoff", "q")),
        *((name, np.bool_) for name in ("filtered", "moving")),
    ],
    align=True,
)
"""All that the kernel knows of a voice. ``loop`` is the loop's length in frames, 0 for none; ``tail`` where the sound
goes on after the loop once the key is let go, -1 where it keeps looping."""

Voices = NDArray[np.void]
Mix = NDArray[np.float64]


def play(notes: Sequence[Sounded], font: SoundFont, *, rate: int = RATE, progress: Progress | None = None) -> Mix:
    """The notes played dry, float64 [frames, 2], until the last has died away; a full-scale sample is 1.

    Raises ``VesicaError`` for a program that the font lacks, or damage that shows. ``progress`` is called after each
    stem and may raise ``Cancelled``.
    """
    stems = sorted({note.stem for note in notes})
    pool = _Pool(font)
    voices = [voices_of([note for note in notes if note.stem == stem], font, pool, rate) for stem in stems]
    frames = max((int(last_frame(one)) for one in voices), default=0)
    mix = np.zeros((frames, 2))
    for done, stem in enumerate(_rendered(voices, pool.wave(), frames, rate), 1):
        mix += stem
        if progress:
            progress(Step(done, len(stems), note="playing"))
    return mix


def _rendered(stems: Sequence[Voices], wave: Floats, frames: int, rate: int) -> Iterator[Mix]:
    """Each stem, in order; as many are worked on at once as numba may use threads."""

    def render(voices: Voices) -> Mix:
        out = np.zeros((frames, 2))
        render_voices(voices, wave, float(rate), out)
        return out

    threads = max(1, numba.config.NUMBA_NUM_THREADS)
    with ThreadPoolExecutor(threads) as workers:
        for place in range(0, len(stems), threads):
            yield from workers.map(render, stems[place : place + threads])


class _Pool:
    """The samples in use, end to end in one array, laid out so that the kernel needs no test at a loop's seam."""

    def __init__(self, font: SoundFont) -> None:
        self._font = font
        self._pieces: list[Floats] = []
        self._size = 0
        self._places: dict[tuple[int, int, int, bool], int] = {}

    def wave(self) -> Floats:
        return np.concatenate([*self._pieces, np.zeros(1, np.float32)])

    def place(self, index: int, loop: tuple[int, int], *, looped: bool) -> int:
        """Where frame 0 of a sample stands. ``looped``: it ends after its loop with the loop's first frames again."""
        key = index, *(loop if looped else (0, 0)), looped
        if key not in self._places:
            data = self._font.sample(index).data
            if looped:
                again = np.resize(data[loop[0] : loop[1]], _PAD)
                laid = np.concatenate([data[:1], data[: loop[1]], again])
            else:
                laid = np.concatenate([data[:1], data, np.zeros(_PAD, np.float32)])
            self._places[key] = self._size + 1
            self._pieces.append(laid)
            self._size += len(laid)
        return self._places[key]


def voices_of(notes: Sequence[Sounded], font: SoundFont, pool: _Pool, rate: int) -> Voices:
    """A voice for each region that speaks, in order of beginning."""
    rows: list[dict[str, float]] = []
    classes: dict[tuple[int, int], list[dict[str, float]]] = {}
    for note in sorted(notes, key=lambda one: (one.start, one.pitch, one.velocity, one.length)):
        fresh: dict[tuple[int, int], list[dict[str, float]]] = {}
        layers = [region for region in font.regions(0, note.program) if region.speaks(note.pitch, note.velocity)]
        if len(layers) > MOST_LAYERS:
            raise VesicaError(
                f"Program {note.program} of this SoundFont plays {len(layers)} samples a key; use another."
            )
        for region in layers:
            row = _voice(note, region, font.sample(region.sample), pool, rate)
            rows.append(row)
            if shared := region.generators[Gen.EXCLUSIVE_CLASS]:
                fresh.setdefault((note.program, shared), []).append(row)
        for place, own in fresh.items():
            for older in classes.get(place, ()):
                if older["off"] > own[0]["start"]:
                    older["off"] = max(older["start"] + 1, own[0]["start"])
                    older["release"] = min(older["release"], QUICK * rate)
            classes[place] = own
    voices = np.zeros(len(rows), VOICE)
    for index, row in enumerate(rows):
        for name, number in row.items():
            voices[name][index] = number
    return voices


def last_frame(voices: Voices) -> int:
    """By when all voices are over."""
    return int((voices["off"] + np.ceil(voices["release"])).max()) + 64 if len(voices) else 0


def _voice(note: Sounded, region: Region, sample: Sample, pool: _Pool, rate: int) -> dict[str, float]:
    """The numbers of one voice (VOICE) out of a region's generators, modulators applied."""
    gen = region.generators
    key = gen[Gen.KEY] if 0 <= gen[Gen.KEY] <= 127 else note.pitch
    velocity = gen[Gen.VELOCITY] if 1 <= gen[Gen.VELOCITY] <= 127 else note.velocity
    added: dict[int, float] = {}
    for one in region.modulators:
        added[one.to] = added.get(one.to, 0.0) + modulation(one, key, velocity)

    def value(which: Gen, low: float, high: float) -> float:
        return min(high, max(low, gen[which] + added.get(which, 0.0)))

    def frames(which: Gen, by_key: Gen | None = None) -> float:
        cents = value(which, -32768, 8000)
        if by_key is not None:
            cents += gen[by_key] * (60 - key)
        return 0.0 if cents <= -12000 else 2 ** (min(cents, 8000) / 1200) * rate

    decibels = (0.4 * gen[Gen.ATTENUATION] + added.get(Gen.ATTENUATION, 0.0)) / 10
    loudness = 10 ** (-min(144.0, max(0.0, decibels)) / 20)
    pan = min(1.0, max(0.0, 0.5 + (value(Gen.PAN, -500, 500) + 500 * note.pan) / 1000))
    root = gen[Gen.ROOT_KEY] if 0 <= gen[Gen.ROOT_KEY] <= 127 else sample.root
    cents = value(Gen.SCALE_TUNING, 0, 1200) * (key - root) + 100 * value(Gen.COARSE_TUNE, -120, 120)
    cents += value(Gen.FINE_TUNE, -99, 99) + sample.correction
    start = round(note.start * rate)
    release = min(max(frames(Gen.VOL_RELEASE), SHORTEST_RELEASE * rate), LONGEST_TAIL * rate)
    cutoff, q = value(Gen.FILTER_CUTOFF, 1500, 13500), value(Gen.FILTER_Q, 0, 960) / 10
    moves = {
        "env_pitch": value(Gen.MOD_ENV_TO_PITCH, -12000, 12000),
        "env_filter": value(Gen.MOD_ENV_TO_FILTER, -12000, 12000),
        "lfo_pitch": value(Gen.MOD_LFO_TO_PITCH, -12000, 12000),
        "lfo_filter": value(Gen.MOD_LFO_TO_FILTER, -12000, 12000),
        "lfo_volume": value(Gen.MOD_LFO_TO_VOLUME, -960, 960) / 10,
        "vib_pitch": value(Gen.VIB_LFO_TO_PITCH, -12000, 12000),
    }
    return {
        "start": start,
        "off": max(start + 1, round((note.start + note.length) * rate)),
        **_frames_of(region, sample, pool),
        "step": 2 ** (min(14400.0, max(-14400.0, cents)) / 1200) * sample.rate / rate,
        "left": loudness * math.cos(pan * math.pi / 2),
        "right": loudness * math.sin(pan * math.pi / 2),
        "delay": frames(Gen.VOL_DELAY),
        "attack": max(frames(Gen.VOL_ATTACK), 0.001 * rate),
        "hold": frames(Gen.VOL_HOLD, Gen.KEY_TO_VOL_HOLD),
        "decay": frames(Gen.VOL_DECAY, Gen.KEY_TO_VOL_DECAY),
        "sustain": value(Gen.VOL_SUSTAIN, 0, 1440) / 10,
        "release": release,
        "m_delay": frames(Gen.MOD_DELAY),
        "m_attack": frames(Gen.MOD_ATTACK),
        "m_hold": frames(Gen.MOD_HOLD, Gen.KEY_TO_MOD_HOLD),
        "m_decay": frames(Gen.MOD_DECAY, Gen.KEY_TO_MOD_DECAY),
        "m_sustain": 1 - value(Gen.MOD_SUSTAIN, 0, 1000) / 1000,
        "m_release": max(frames(Gen.MOD_RELEASE), 1.0),
        **moves,
        "lfo_delay": frames(Gen.MOD_LFO_DELAY),
        "lfo_rate": hertz(value(Gen.MOD_LFO_RATE, -16000, 4500)) / rate,
        "vib_delay": frames(Gen.VIB_LFO_DELAY),
        "vib_rate": hertz(value(Gen.VIB_LFO_RATE, -16000, 4500)) / rate,
        "cutoff": cutoff,
        "q": q,
        "filtered": cutoff < 13500 or q > 0 or moves["env_filter"] < 0 or moves["lfo_filter"] != 0,
        "moving": any(moves.values()),
    }


def _frames_of(region: Region, sample: Sample, pool: _Pool) -> dict[str, float]:
    """Where in the pool a voice begins, loops and ends; offsets that lie outside the sample are held inside."""
    gen, size = region.generators, len(sample.data)

    def moved(frame: int, fine: Gen, coarse: Gen) -> int:
        return min(size, max(0, frame + gen[fine] + 32768 * gen[coarse]))

    first = min(moved(0, Gen.START, Gen.START_COARSE), size - 1)
    end = max(moved(size, Gen.END, Gen.END_COARSE), first + 1)
    loop_start = moved(sample.loop_start, Gen.LOOP_START, Gen.LOOP_START_COARSE)
    loop_end = moved(sample.loop_end, Gen.LOOP_END, Gen.LOOP_END_COARSE)
    mode = gen[Gen.SAMPLE_MODES] & 3
    if mode not in (1, 3) or loop_end - loop_start < 2 or loop_end <= first:
        place = pool.place(region.sample, (0, 0), looped=False)
        return {"base": place + first, "end": end - first, "loop_end": 0, "loop": 0, "tail": -1, "tail_end": 0}
    place = pool.place(region.sample, (loop_start, loop_end), looped=True)
    tail = pool.place(region.sample, (0, 0), looped=False) + first if mode == 3 else -1
    return {
        "base": place + first,
        "end": 0,
        "loop_end": loop_end - first,
        "loop": loop_end - loop_start,
        "tail": tail,
        "tail_end": end - first,
    }


def hertz(cents: float) -> float:
    """Absolute cents as a frequency: 6900 is 440 Hz."""
    return float(440 * 2 ** ((cents - 6900) / 1200))


def modulation(one: Modulator, key: int, velocity: int) -> float:
    """What a modulator adds for a note. Wheels, pedals and pressure rest."""
    return one.amount * _source(one.source, key, velocity) * _source(one.by, key, velocity)


def _source(code: int, key: int, velocity: int) -> float:
    """A modulator's source as -1..1 (section 8.2.4): index, controller flag, direction, polarity and curve in bits."""
    index, controller = code & 0x7F, code >> 7 & 1
    if not controller and index == 0:
        return 1.0
    rest = 0.5 if index == 14 and not controller else 0.0
    x = rest if controller else {2: velocity / 127, 3: key / 127}.get(index, rest)
    if code >> 8 & 1:
        x = 1 - x
    if code >> 9 & 1:
        x = 2 * x - 1
        return math.copysign(_curve(code >> 10, abs(x)), x)
    return _curve(code >> 10, x)


def _curve(kind: int, x: float) -> float:
    match kind:
        case 1:
            return min(1.0, -40 / 96 * math.log10(1 - x)) if x < 1 else 1.0
        case 2:
            return max(0.0, 1 + 40 / 96 * math.log10(x)) if x > 0 else 0.0
        case 3:
            return float(x >= 0.5)
        case _:
            return x


@kernel
def volume(t: float, delay: float, attack: float, hold: float, decay: float, sustain: float) -> float:
    """Amplitude of the volume envelope, key held, ``t`` frames after the note began: a straight rise, then a fall even
    in decibels (100 in ``decay`` frames) down to ``sustain`` decibels below full."""
    t -= delay
    if t <= 0:
        return 0.0
    if t < attack:
        return t / attack
    t -= attack + hold
    if t <= 0:
        return 1.0
    fallen = sustain
    if decay > 0:
        fallen = min(sustain, 100 * t / decay)
    return 10 ** (-fallen / 20) if fallen < 100 else 0.0


@kernel
def swing(t: float, delay: float, attack: float, hold: float, decay: float, sustain: float) -> float:
    """Level 0..1 of the modulation envelope, key held: a convex rise, then a straight fall to ``sustain``."""
    t -= delay
    if t <= 0:
        return 0.0
    if t < attack:
        return max(0.0, 1 + 40 / 96 * math.log10(t / attack))
    t -= attack + hold
    if t <= 0:
        return 1.0
    return max(sustain, 1 - t / decay) if decay > 0 else sustain


@kernel
def triangle(t: float, delay: float, rate: float) -> float:
    """A low oscillator, -1..1: starts at 0, upwards, after ``delay``; ``rate`` in cycles a frame."""
    if t <= delay:
        return 0.0
    phase = ((t - delay) * rate + 0.25) % 1.0
    return 1 - abs(4 * phase - 2)


@kernel
def render_voices(voices: Voices, wave: Floats, rate: float, out: Mix) -> None:
    """Add each voice to ``out`` [frames, 2]."""
    for index in range(len(voices)):
        v = voices[index]
        length = v.off - v.start
        at_off = volume(length, v.delay, v.attack, v.hold, v.decay, v.sustain)
        m_at_off = swing(length, v.m_delay, v.m_attack, v.m_hold, v.m_decay, v.m_sustain)
        fall = -100 / 20 * math.log(10.0) / v.release
        base, loop, end, seam = v.base, v.loop, v.end, v.loop_end + 1
        step, tremolo = v.step, 1.0
        b0, b1, a1, a2, z1, z2 = 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
        t, position, before, fresh = 0, 0.0, 0.0, True
        while v.start + t < len(out):
            # A block ends where a stage of the envelope begins, so that the straight lines bend there.
            until = t + 64
            risen = v.delay + v.attack
            for border in (math.ceil(v.delay), math.ceil(risen), math.ceil(risen + v.hold), length):
                if t < border < until:
                    until = border
            until = min(until, len(out) - v.start)
            if until <= length:
                after = volume(until, v.delay, v.attack, v.hold, v.decay, v.sustain)
            else:
                after = at_off * math.exp(fall * (until - length))
            if t >= length and loop and v.tail >= 0:
                base, end, loop = v.tail, v.tail_end, 0
            if v.moving or fresh:
                if t < length:
                    env = swing(t, v.m_delay, v.m_attack, v.m_hold, v.m_decay, v.m_sustain)
                else:
                    env = max(0.0, m_at_off - (t - length) / v.m_release)
                lfo = triangle(t, v.lfo_delay, v.lfo_rate)
                vib = triangle(t, v.vib_delay, v.vib_rate)
                cents = v.env_pitch * env + v.lfo_pitch * lfo + v.vib_pitch * vib
                step = v.step * 2 ** (cents / 1200)
                if v.filtered:
                    cutoff = min(13500.0, max(1500.0, v.cutoff + v.env_filter * env + v.lfo_filter * lfo))
                    turn = 2 * math.pi * min(0.45, 440 * 2 ** ((cutoff - 6900) / 1200) / rate)
                    # At Q 0 the filter has no peak; half of a peak's height is taken from the whole (section 8.1.2).
                    width = math.sin(turn) / (2 * 10 ** ((v.q - 3.01) / 20))
                    whole = 1 + width
                    b1 = (1 - math.cos(turn)) / whole * 10 ** (-v.q / 40)
                    b0, a1, a2 = b1 / 2, -2 * math.cos(turn) / whole, (1 - width) / whole
                # What the oscillator does to the level is joined by the same straight lines as the envelope.
                swung = 10 ** (-v.lfo_volume * triangle(until, v.lfo_delay, v.lfo_rate) / 20)
                if fresh:
                    tremolo, fresh = 10 ** (-v.lfo_volume * lfo / 20), False
            else:
                swung = tremolo
            level, slope = before * tremolo, (after * swung - before * tremolo) / (until - t)
            over = False
            for frame in range(v.start + t, v.start + until):
                if loop:
                    if position >= seam:
                        position -= loop * math.floor((position - seam) / loop + 1)
                elif position >= end:
                    over = True
                    break
                whole_frame = int(position)
                f = position - whole_frame
                place = base + whole_frame
                p0, p1, p2, p3 = wave[place - 1], wave[place], wave[place + 1], wave[place + 2]
                x = p1 + 0.5 * f * (p2 - p0 + f * (2 * p0 - 5 * p1 + 4 * p2 - p3 + f * (3 * (p1 - p2) + p3 - p0)))
                if v.filtered:
                    y = b0 * x + z1
                    z1 = b1 * x - a1 * y + z2
                    z2 = b0 * x - a2 * y
                    x = y
                out[frame, 0] += x * level * v.left
                out[frame, 1] += x * level * v.right
                level += slope
                position += step
            if over:
                break
            t, before, tremolo = until, after, swung
            if after < SILENT and t > v.delay + v.attack:
                break
