"""SoundFonts of a few hundred bytes, built here, then the real one."""

import io
import math
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vesica.errors import Cancelled, ModelMissing, VesicaError
from vesica.music import player
from vesica.music.player import RATE, hertz, play
from vesica.music.sounded import Sounded
from vesica.music.soundfont import Gen, SoundFont, open_soundfont, read_soundfont
from vesica.weights.cards import locate
from vesica.work import Step

Zone = Mapping[int, int]


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def span(low: int, high: int) -> int:
    return low | high << 8


def build(
    samples: Sequence[tuple[NDArray[np.float64], int, int, int, int]],
    zones: Sequence[Zone],
    upper: Sequence[Zone] = ({},),
    modulators: Sequence[tuple[int, int, int, int]] = (),
    *,
    vorbis: bool = False,
) -> bytes:
    """A font with one preset (bank 0, program 0) over one instrument.

    ``samples``: wave in -1..1, rate, root key, loop start and end. ``zones`` name their sample, but for a global one.
    ``modulators``: source, target, amount, amount's source; of every zone that names a sample.
    """
    wave, heads = b"", b""
    for data, rate, root, first, last in samples:
        if vorbis:
            out = io.BytesIO()
            soundfile.write(out, data, rate, format="OGG", subtype="VORBIS")
            start, body, shift = len(wave), out.getvalue(), 0
            end = start + len(body)
        else:
            start = shift = len(wave) // 2
            body = np.rint(data * 32767).astype("<i2").tobytes() + bytes(92)
            end = start + len(data)
        wave += body
        heads += struct.pack("<20s5IBbHH", b"s", start, end, shift + first, shift + last, rate, root, 0, 0, 17 * vorbis)
    heads += struct.pack("<20s5IBbHH", b"EOS", *[0] * 9)
    tables = {}
    for level, rows, last in (("p", [{**zone, Gen.INSTRUMENT: 0} for zone in upper], Gen.INSTRUMENT), ("i", zones, 53)):
        bags = gens = mods = b""
        for zone in rows:
            bags += struct.pack("<HH", len(gens) // 4, len(mods) // 10)
            # The pointer stands last.
            for gen in sorted(zone, key=lambda one: one == last):
                gens += struct.pack("<Hh" if zone[gen] < 0 else "<HH", gen, zone[gen])
            if level == "i" and last in zone:
                mods += b"".join(struct.pack("<HHhHH", *one, 0) for one in modulators)
        tables[level + "bag"] = bags + struct.pack("<HH", len(gens) // 4, len(mods) // 10)
        tables[level + "gen"], tables[level + "mod"] = gens + bytes(4), mods + bytes(10)
    tables["phdr"] = struct.pack("<20sHHHIII", b"p", *[0] * 6) + struct.pack(
        "<20sHHHIII", b"EOP", 0, 0, len(upper), 0, 0, 0
    )
    tables["inst"] = struct.pack("<20sH", b"i", 0) + struct.pack("<20sH", b"EOI", len(zones))
    tables["shdr"] = heads
    order = ("phdr", "pbag", "pmod", "pgen", "inst", "ibag", "imod", "igen", "shdr")
    told = b"".join(chunk(name.encode(), tables[name]) for name in order)
    sdta = chunk(b"LIST", b"sdta" + chunk(b"smpl", wave))
    return chunk(b"RIFF", b"sfbk" + sdta + chunk(b"LIST", b"pdta" + told))


FLAT = np.ones(200)
"""A sample that never moves: what is heard of it is the envelope."""


def steady(zone: Zone, **more: object) -> SoundFont:
    """A font whose one note is its envelope."""
    held = {Gen.SAMPLE: 0, Gen.SAMPLE_MODES: 1}
    return read_soundfont(build([(FLAT, RATE, 60, 50, 150)], [{**zone, **held}], **more))  # type: ignore[arg-type]


def tone(zone: Zone, *, cycles: int = 100, period: int = 100, rate: int = RATE, root: int = 60) -> SoundFont:
    """A sine of ``rate / period`` Hz at its root key, looped on whole cycles."""
    wave = 0.9 * np.sin(2 * np.pi * np.arange(cycles * period) / period)
    held = {Gen.SAMPLE: 0, Gen.SAMPLE_MODES: 1, **zone}
    return read_soundfont(build([(wave, rate, root, 10 * period, 90 * period)], [held]))


def decibels(x: NDArray[np.float64]) -> float:
    return float(20 * np.log10(np.sqrt((x**2).mean())))


def pitch(x: NDArray[np.float64]) -> float:
    """The strongest frequency, from the middle second."""
    piece = x[len(x) // 2 - RATE // 2 : len(x) // 2 + RATE // 2] * np.hanning(RATE)
    power = np.log(np.abs(np.fft.rfft(piece)) + 1e-12)
    top = int(power.argmax())
    low, mid, high = power[top - 1 : top + 2]
    return float(top + 0.5 * (low - high) / (low - 2 * mid + high))


times = st.integers(-5000, -1500)
"""Timecents, from 56 ms to 0.4 s: inside a block of 64 frames an envelope is drawn straight, so that shorter falls are
followed less closely."""


@settings(max_examples=30, deadline=None)
@given(delay=times, attack=times, hold=times, decay=times, sustain=st.integers(0, 500), release=times)
def test_the_volume_envelope_follows_the_formats_laws(
    delay: int, attack: int, hold: int, decay: int, sustain: int, release: int
) -> None:
    told = (delay, attack, hold, decay, sustain, release)
    font = steady(dict(zip(range(Gen.VOL_DELAY, Gen.VOL_RELEASE + 1), told, strict=True)))
    heard = play([Sounded(0.0, 0.9, 60, 127)], font)[:, 0] * math.sqrt(2)
    seconds = [2 ** (one / 1200) for one in told]
    t = np.arange(len(heard)) / RATE

    def held(t: NDArray[np.float64]) -> NDArray[np.float64]:
        rise = (t - seconds[0]) / seconds[1]
        fallen = np.clip((t - seconds[0] - seconds[1] - seconds[2]) / seconds[3] * 100, 0, sustain / 10)
        return np.where(rise < 1, np.clip(rise, 0, 1), 10 ** (-fallen / 20))

    off = round(0.9 * RATE) / RATE
    fall = 10 ** (-5 * np.maximum(0, t - off) / max(seconds[5], 2.0**-6))
    expected = np.where(t < off, held(t), held(np.array([off]))[0] * fall)
    # A corner may be cut by one block.
    assert np.abs(heard - expected).max() < 0.04
    assert np.abs(heard - expected).mean() < 2e-3


@settings(max_examples=30, deadline=None)
@given(start=st.floats(0, 0.5), length=st.floats(0.01, 0.3))
def test_a_note_begins_and_is_let_go_on_its_own_frame(start: float, length: float) -> None:
    heard = play([Sounded(start, length, 60, 127)], steady({Gen.VOL_RELEASE: -7200}))[:, 0]
    first = round(start * RATE)
    assert not heard[: first + 1].any() and heard[first + 1] > 0
    off = round((start + length) * RATE)
    assert np.ptp(heard[first + 64 : off]) < 1e-12
    assert heard[off + 2] < heard[off]


@given(soft=st.integers(1, 127), loud=st.integers(1, 127))
@settings(max_examples=20, deadline=None)
def test_velocity_sounds_by_forty_decibels_a_decade(soft: int, loud: int) -> None:
    font = steady({})
    one, two = (play([Sounded(0, 0.2, 60, velocity)], font)[4000, 0] for velocity in (soft, loud))
    assert 20 * math.log10(two / one) == pytest.approx(40 * math.log10(loud / soft), abs=1e-6)


@given(pan=st.floats(-1, 1), own=st.integers(-500, 500))
@settings(max_examples=20, deadline=None)
def test_a_note_is_as_loud_in_every_seat(pan: float, own: int) -> None:
    left, right = play([Sounded(0, 0.2, 60, 127, pan=pan)], steady({Gen.PAN: own}))[4000]
    assert left**2 + right**2 == pytest.approx(1, abs=1e-3)
    assert (right - left) * (pan + own / 500) >= -1e-9


@pytest.mark.parametrize(
    ("zone", "key", "rate", "expected"),
    [
        ({}, 60, RATE, 441.0),
        ({}, 72, RATE, 882.0),
        ({}, 60, 22050, 220.5),
        ({Gen.ROOT_KEY: 48}, 60, RATE, 882.0),
        ({Gen.SCALE_TUNING: 50}, 72, RATE, 441 * 2**0.5),
        ({Gen.COARSE_TUNE: -12, Gen.FINE_TUNE: 50}, 60, RATE, 220.5 * 2 ** (50 / 1200)),
        ({Gen.KEY: 72}, 40, RATE, 882.0),
        ({Gen.MOD_ENV_TO_PITCH: 700, Gen.MOD_SUSTAIN: 0}, 60, RATE, 441 * 2 ** (7 / 12)),
    ],
)
def test_a_tone_sounds_at_its_pitch(zone: Zone, key: int, rate: int, expected: float) -> None:
    heard = play([Sounded(0, 2.0, key, 100)], tone(zone, rate=rate))[:, 0]
    assert 1200 * abs(math.log2(pitch(heard) / expected)) < 0.2


def test_a_loop_is_heard_as_one_endless_wave() -> None:
    heard = play([Sounded(0, 3.0, 63, 127)], tone({}))[2000:120000, 0]
    step = 2 ** (3 / 12) * 2 * math.pi / 100
    # Any sine satisfies x[n+1] + x[n-1] = 2 cos(step) x[n]; a seam breaks it.
    left_over = heard[2:] + heard[:-2] - 2 * math.cos(step) * heard[1:-1]
    assert np.abs(left_over).max() < 1e-4


def test_without_a_loop_the_sound_ends_with_its_sample_and_mode_3_plays_on_when_let_go() -> None:
    wave = np.concatenate([np.full(4000, 0.5), np.full(4000, 0.25)])
    for mode, at_9000, at_13000 in ((0, 0.0, 0.0), (1, 0.5, 0.5), (3, 0.5, 0.25)):
        zone = {Gen.SAMPLE: 0, Gen.SAMPLE_MODES: mode, Gen.VOL_RELEASE: 8000}
        heard = play([Sounded(0, 10000 / RATE, 60, 127)], read_soundfont(build([(wave, RATE, 60, 1000, 3000)], [zone])))
        found = [heard[frame, 0] * math.sqrt(2) if frame < len(heard) else 0 for frame in (9000, 13000)]
        assert found == pytest.approx([at_9000, at_13000], abs=0.035), mode


@pytest.mark.parametrize("distance", [-1200, 0, 1200, 2400])
def test_the_low_pass_follows_its_closed_form(distance: int) -> None:
    tone_hertz, q = 441.0, 10 ** ((60 / 10 - 3.01) / 20)
    cutoff = round(6900 + 1200 * math.log2(tone_hertz / 440)) - distance
    plain, dark = (
        play([Sounded(0, 1.0, 60, 127)], tone(zone))[20000:40000, 0]
        for zone in ({}, {Gen.FILTER_CUTOFF: cutoff, Gen.FILTER_Q: 60})
    )
    # The bilinear transform bends the frequency axis by tan.
    ratio = math.tan(math.pi * tone_hertz / RATE) / math.tan(math.pi * hertz(cutoff) / RATE)
    expected = -20 * math.log10(math.hypot(1 - ratio**2, ratio / q)) - 3.0
    assert decibels(dark) - decibels(plain) == pytest.approx(expected, abs=0.05)


def test_vibrato_and_tremolo_swing_as_told() -> None:
    still = tone({})
    shaken = tone(
        {Gen.MOD_LFO_TO_VOLUME: 60, Gen.MOD_LFO_RATE: round(1200 * math.log2(4 / 8.176)), Gen.MOD_LFO_DELAY: -12000}
    )
    one, two = (play([Sounded(0, 2.0, 60, 127)], font)[:, 0] for font in (still, shaken))
    ratio = [decibels(two[at : at + 500]) - decibels(one[at : at + 500]) for at in range(2000, 80000, 250)]
    assert max(ratio) == pytest.approx(6, abs=0.5) and min(ratio) == pytest.approx(-6, abs=0.5)
    wide = tone({Gen.VIB_LFO_TO_PITCH: 100, Gen.VIB_LFO_RATE: round(1200 * math.log2(5 / 8.176))})
    crossings = np.flatnonzero(np.diff(np.signbit(play([Sounded(0, 2.0, 60, 127)], wide)[2000:80000, 0])))
    # Over twelve half periods, since a crossing is known to a frame only.
    found = 1200 * np.log2(12 * RATE / 2 / (crossings[12:] - crossings[:-12]) / 441)
    assert found.max() == pytest.approx(100, abs=25) and found.min() == pytest.approx(-100, abs=25)


def test_a_note_of_the_same_exclusive_class_cuts_the_one_before() -> None:
    notes = [Sounded(0, 2.0, 60, 127), Sounded(0.5, 0.1, 64, 127)]
    cut = play(notes, steady({Gen.EXCLUSIVE_CLASS: 1, Gen.VOL_RELEASE: -7200}))
    assert len(cut) < RATE and not cut[round(0.7 * RATE) :, 0].any()
    assert play(notes, steady({Gen.VOL_RELEASE: -7200}))[round(0.7 * RATE), 0] > 0.5


def test_zones_speak_in_their_ranges_and_the_preset_adds_to_the_instrument() -> None:
    data = build(
        [(FLAT, RATE, 60, 50, 150), (-FLAT, RATE, 60, 50, 150)],
        [
            {Gen.SAMPLE_MODES: 1, Gen.ATTENUATION: 100},
            {Gen.KEYS: span(0, 59), Gen.SAMPLE: 0},
            {Gen.KEYS: span(60, 127), Gen.VELOCITIES: span(64, 127), Gen.SAMPLE: 1, Gen.ATTENUATION: 0},
        ],
        [{Gen.ATTENUATION: 50, Gen.KEYS: span(30, 90)}],
    )
    font = read_soundfont(data)

    def level(key: int, velocity: int) -> float:
        heard = play([Sounded(0, 0.2, key, velocity)], font)
        return float(heard[4000, 0] * math.sqrt(2)) if len(heard) else 0.0

    # 0.4 of 150 and of 50 centibels.
    assert level(50, 127) == pytest.approx(10 ** (-6 / 20), abs=1e-4)
    assert level(70, 127) == pytest.approx(-(10 ** (-2 / 20)), abs=1e-4)
    assert level(70, 63) == level(20, 127) == level(95, 127) == 0


def test_a_zones_own_modulator_replaces_the_default() -> None:
    font = steady({}, modulators=[(0x0502, Gen.ATTENUATION, 0, 0)])
    one, two = (play([Sounded(0, 0.2, 60, velocity)], font)[4000, 0] for velocity in (10, 127))
    assert one == pytest.approx(two)


def test_a_vorbis_sample_sounds_like_the_plain_one() -> None:
    wave = 0.5 * np.sin(2 * np.pi * np.arange(10000) / 100)
    zone = {Gen.SAMPLE: 0, Gen.SAMPLE_MODES: 1}
    plain, packed = (
        play([Sounded(0, 1.0, 60, 127)], read_soundfont(build([(wave, RATE, 60, 1000, 9000)], [zone], vorbis=vorbis)))
        for vorbis in (False, True)
    )
    assert len(plain) == len(packed) and decibels((plain - packed)[5000:40000, 0]) < -40


def test_playing_can_be_stopped_and_leaves_its_notes_alone() -> None:
    notes = [Sounded(0, 0.1, 60, 100, stem=stem) for stem in range(3)]
    before = list(notes)

    def stop(step: Step) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        play(notes, steady({}), progress=stop)
    assert notes == before


def test_stems_add_up_to_the_whole_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    font = tone({Gen.FILTER_CUTOFF: 9000, Gen.VIB_LFO_TO_PITCH: 20})
    notes = [Sounded(0.07 * n, 0.5, 50 + n, 60 + n, pan=n / 20 - 1, stem=n % 5) for n in range(30)]
    found = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(player.numba.config, "NUMBA_NUM_THREADS", threads)
        found.append(play(notes, font).tobytes())
    assert found[0] == found[1] == found[2]


GOOD = build(
    [(FLAT, RATE, 60, 50, 150), (FLAT, RATE, 60, 50, 150)],
    [{Gen.SAMPLE_MODES: 1}, {Gen.SAMPLE: 0, Gen.FILTER_CUTOFF: 5000}, {Gen.SAMPLE: 1, Gen.KEYS: span(60, 90)}],
    modulators=[(0x0502, Gen.ATTENUATION, 900, 0)],
)
PACKED = build([(0.1 * FLAT, RATE, 60, 50, 150)], [{Gen.SAMPLE: 0, Gen.SAMPLE_MODES: 1}], vorbis=True)


def plays_or_says_why(data: bytes) -> None:
    """Whatever the bytes, there is sound or one sentence."""
    try:
        heard = play([Sounded(0, 0.05, 60, 100)], read_soundfont(data))
        assert np.isfinite(heard).all()
    except VesicaError as fault:
        assert str(fault).endswith(".") and "\n" not in str(fault)


@settings(max_examples=300, deadline=None)
@given(
    font=st.sampled_from([GOOD, PACKED]),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.one_of(st.none(), st.floats(0, 1)),
)
def test_a_damaged_font_plays_or_says_why_in_one_sentence(
    font: bytes, changes: list[tuple[float, int]], cut: float | None
) -> None:
    data = bytearray(font)
    for place, value in changes:
        data[int(place * len(data))] = value
    plays_or_says_why(bytes(data if cut is None else data[: int(cut * len(data))]))


@settings(max_examples=300, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_font_with_broken_tables_plays_or_says_why(where: float, value: int) -> None:
    data = bytearray(GOOD)
    first = data.index(b"pdta")
    data[first + int(where * (len(data) - first))] = value
    plays_or_says_why(bytes(data))


@given(zone=st.dictionaries(st.sampled_from([gen for gen in Gen if gen not in (41, 53)]), st.integers(-32768, 32767)))
@settings(max_examples=150, deadline=None)
def test_generators_out_of_all_bounds_still_play(zone: dict[int, int]) -> None:
    plays_or_says_why(build([(FLAT, RATE, 60, 50, 150)], [{**zone, Gen.SAMPLE: 0}]))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "no SoundFont"),
        (b"RIFF\x04\0\0\0WAVE" + bytes(40), "no SoundFont"),
        (GOOD[:200], "ends too early"),
        (GOOD.replace(b"smpl", b"smpx"), "'smpl' is missing"),
        (GOOD.replace(b"shdr" + struct.pack("<I", 138), b"shdr" + struct.pack("<I", 137)), "'shdr' is cut"),
        (PACKED.replace(b"OggS", b"NggS"), "can't be decoded"),
    ],
)
def test_a_broken_font_is_told_what_is_wrong(data: bytes, what: str) -> None:
    with pytest.raises(VesicaError, match=what):
        play([Sounded(0, 0.05, 60, 100)], read_soundfont(data))


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(VesicaError, match="no program 52"):
        play([Sounded(0, 1, 60, 100, 52)], read_soundfont(GOOD))


# The real font, beside FluidSynth.


@pytest.fixture(scope="module")
def fluid_font() -> Path:
    try:
        return locate("fluidr3mono")
    except ModelMissing:
        pytest.skip("the SoundFont is not installed")


def test_every_program_of_the_real_font_sounds(fluid_font: Path) -> None:
    font = open_soundfont(fluid_font)
    programs = [program for bank, program in font.programs if bank == 0]
    assert programs == list(range(128))
    # A few of each family: decoding all of them takes long.
    for program in programs[::9]:
        heard = play([Sounded(0, 0.3, 60, 90, program)], font)
        assert np.isfinite(heard).all() and -60 < decibels(heard[:13000]) < 0, program


def bands(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Levels in dB of 32 mel bands a frame of 46 ms, [bands, frames]."""
    frames = np.lib.stride_tricks.sliding_window_view(x, 2048)[::1024] * np.hanning(2048)
    power = np.abs(np.fft.rfft(frames, axis=1)).T ** 2
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(2048, 1 / RATE) / 700)
    edges = np.linspace(85, 3000, 34)
    rise = np.minimum(mel - edges[:-2, None], edges[2:, None] - mel) / (edges[1] - edges[0])
    found: NDArray[np.float64] = 10 * np.log10(np.clip(rise, 0, None) @ power + 1e-12)
    return found


REFERENCE = 9.0
"""Decibels that we are louder by: FluidSynth's gain of 0.5, and its controller 7 at 100."""


@pytest.mark.skipif(not shutil.which("fluidsynth"), reason="the program fluidsynth is not installed")
@pytest.mark.parametrize("program", [52, 19, 48, 0])
def test_programs_of_the_chorale_sound_as_fluidsynth_plays_them(program: int, fluid_font: Path, tmp_path: Path) -> None:
    keys = [(key, velocity) for velocity in (40, 80, 110) for key in (48, 57, 66, 75)]
    notes = [Sounded(1.5 * place, 0.8, key, velocity, program) for place, (key, velocity) in enumerate(keys)]
    track = mido.MidiTrack([mido.Message("program_change", program=program)])
    for key, velocity in keys:
        track.append(mido.Message("note_on", note=key, velocity=velocity, time=0 if len(track) == 1 else 700))
        track.append(mido.Message("note_off", note=key, time=800))
    mido.MidiFile(tracks=[track], ticks_per_beat=500).save(tmp_path / "notes.mid")
    dry = ["-ni", "-R", "0", "-C", "0", "-g", "0.5", "-r", str(RATE), "-O", "float", "-T", "wav"]
    files = ["-F", str(tmp_path / "notes.wav"), str(fluid_font), str(tmp_path / "notes.mid")]
    subprocess.run(["fluidsynth", *dry, *files], check=True, capture_output=True)
    theirs = soundfile.read(tmp_path / "notes.wav")[0].sum(axis=1)
    ours = play(notes, open_soundfont(fluid_font)).sum(axis=1)
    frames = min(len(ours), len(theirs))
    ours, theirs = ours[:frames], theirs[:frames]
    for part in range(3):
        third = slice(part * 4 * 3 * RATE // 2, (part + 1) * 4 * 3 * RATE // 2)
        assert decibels(ours[third]) - decibels(theirs[third]) == pytest.approx(REFERENCE, abs=1)
    one, two = bands(theirs), bands(ours)
    difference = (two - one)[one > one.max() - 50]
    assert np.abs(difference - np.median(difference)).mean() < 1.5
