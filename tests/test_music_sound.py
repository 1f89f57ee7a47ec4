"""A score as sound: how it is performed, sung, mastered and written."""

import datetime as dt
import hashlib
import io
import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.signal import butter, sosfilt

from vesica.errors import Cancelled, ModelMissing, VesicaError
from vesica.export.certificate import issue
from vesica.export.credential import embed, read
from vesica.export.facts import Action, Facts
from vesica.export.files import format_of
from vesica.music import sound as sounding
from vesica.music.choir import sing, voice_of
from vesica.music.mastering import CEILING, limit, master, true_peak
from vesica.music.performance import BREATH, LEAD_IN, note_times, perform, timeline
from vesica.music.room import CHAMBER, CHURCH, impulse, reverberate
from vesica.music.score import ZERO, Metre, Note, Part, Pitch, Score, Tempo, spell
from vesica.music.score_json import write_score
from vesica.music.sound import Sound, flac, mp3, render, wav
from vesica.music.sounded import Sounded
from vesica.weights.cards import locate
from vesica.work import Step

RATE = 44100

BASS, TENOR = (48, 53, 55, 48), (55, 57, 59, 60)
ALTO, SOPRANO = (64, 60, 62, 64), (72, 69, 74, 72)


def chorale(*, program: int = 52, tempo: int = 96, fermata: bool = True) -> Score:
    """Two bars of four voices, the last chord held."""
    parts = []
    for name, line in (("Soprano", SOPRANO), ("Alto", ALTO), ("Tenor", TENOR), ("Bass", BASS)):
        notes = [
            Note(f"{name}{at}", Fraction(at), Fraction(1 if at < 3 else 2), spell(key, 0), fermata=fermata and at == 3)
            for at, key in enumerate(line)
        ]
        parts.append(Part(name, program, tuple(notes)))
    return Score("Amen", tuple(parts), tempi=(Tempo(ZERO, Fraction(tempo)),))


def one_part(
    *notes: tuple[Fraction | int, Fraction | int], tempi: tuple[Tempo, ...] | None = None, **more: bool
) -> Score:
    made = [Note(f"n{at}", Fraction(on), Fraction(long), Pitch("C"), **more) for at, (on, long) in enumerate(notes)]
    return Score("", (Part("", 0, tuple(made)),), tempi=tempi or (Tempo(ZERO, Fraction(60)),))


# How it is performed.


def test_the_tempo_map_is_exact_up_to_the_slowing() -> None:
    tempi = (Tempo(ZERO, Fraction(60)), Tempo(Fraction(4), Fraction(120)), Tempo(Fraction(17, 2), Fraction(90)))
    score = one_part(*[(Fraction(at, 3), Fraction(1, 3)) for at in range(60)], tempi=tempi)
    times = note_times(score)
    for note in score.notes:
        if note.onset > score.notes[-1].onset - 4:
            break
        by_hand = min(note.onset, 4) + max(0, min(note.onset, Fraction(17, 2)) - 4) / 2
        by_hand += max(Fraction(0), note.onset - Fraction(17, 2)) * Fraction(2, 3)
        assert times[note.id][0] == pytest.approx(LEAD_IN + float(by_hand), abs=1e-9)


def test_the_end_slows_down_and_only_the_end() -> None:
    times = note_times(one_part(*[(at, 1) for at in range(12)]))
    steps = np.diff([start for start, _ in times.values()])
    assert steps[:7] == pytest.approx(np.ones(7)) and (np.diff(steps[6:]) > 0).all()
    assert 1.1 < steps[-1] < 1.5


def test_a_fermata_is_held_and_all_breathe_after_it() -> None:
    held = Note("h", Fraction(3), Fraction(1), Pitch("C"), fermata=True)
    rest = [Note(f"n{at}", Fraction(at), Fraction(1), Pitch("D")) for at in (0, 1, 2, *range(4, 12))]
    under = [Note(f"u{at}", Fraction(at, 2), Fraction(1, 2), Pitch("G", 0, 3)) for at in range(24)]
    score = Score("", (Part("", 0, (*rest, held)), Part("", 0, tuple(under))), tempi=(Tempo(ZERO, Fraction(60)),))
    times = note_times(score)
    start, stop = times["h"]
    assert stop - start == pytest.approx(1.75)
    assert times["u7"][1] == pytest.approx(stop)
    assert times["n4"][0] == times["u8"][0] == pytest.approx(stop + BREATH)
    assert not any(stop < note.start < stop + BREATH for note in perform(score))


@st.composite
def scores(draw: st.DrawFn) -> Score:
    parts = []
    for stem in range(draw(st.integers(1, 3))):
        now, notes = Fraction(0), []
        for number in range(draw(st.integers(1, 12))):
            length = draw(st.fractions(Fraction(1, 4), 4, max_denominator=12))
            marks = tuple(sorted(draw(st.sets(st.sampled_from(["accent", "staccato", "tenuto", "breath-mark"])))))
            key, velocity, held = draw(st.integers(36, 84)), draw(st.integers(1, 127)), draw(st.booleans())
            notes.append(Note(f"p{stem}n{number}", now, length, spell(key, 0), 1, velocity, held, marks))
            now += length + draw(st.sampled_from([Fraction(0), Fraction(1, 2)]))
        parts.append(Part("", draw(st.integers(0, 127)), tuple(notes)))
    tempi = [Tempo(ZERO, Fraction(draw(st.integers(30, 200))))]
    if draw(st.booleans()):
        tempi.append(
            Tempo(draw(st.fractions(Fraction(1, 3), 9, max_denominator=7)), Fraction(draw(st.integers(30, 200))))
        )
    return Score("", tuple(parts), metres=(Metre(ZERO, draw(st.integers(2, 5)), 4),), tempi=tuple(tempi))


@given(scores())
@settings(deadline=None)
def test_time_never_runs_back_and_every_note_sounds_once_in_its_place(score: Score) -> None:
    clock = timeline(score)
    assert all(one <= two for one, two in pairwise(clock.times))
    assert all(one <= two for one, two in pairwise(clock.seconds))
    times, played = note_times(score), perform(score)
    assert set(times) == {note.id for note in score.notes} and len(played) == len(score.notes)
    assert all(start < stop for start, stop in times.values())
    ends = sorted((start, stop) for start, stop in times.values())
    found = sorted((note.start, note.start + note.length) for note in played)
    assert all(
        one[0] == pytest.approx(two[0]) and one[1] <= two[1] + 1e-9 for one, two in zip(found, ends, strict=True)
    )
    assert all(1 <= note.velocity <= 127 and -1 <= note.pan <= 1 and note.length > 0 for note in played)
    assert perform(score) == played


def test_a_phrase_swells_and_falls_and_the_voices_take_their_seats() -> None:
    played = perform(one_part(*[(at, 1) for at in range(16)]))
    loud = [note.velocity for note in played]
    assert 8 <= loud.index(max(loud)) <= 11 and loud[0] < max(loud) - 8 and loud[-1] < max(loud) - 8
    seats = [note.pan for note in perform(chorale()) if note.start == LEAD_IN]
    assert seats == sorted(seats) and seats[0] == -seats[-1] < 0


def test_repeated_keys_are_let_go_before_they_are_struck_again() -> None:
    played = perform(one_part(*[(at, 1) for at in range(8)]))
    gaps = [two.start - one.start - one.length for one, two in pairwise(played)]
    assert all(0.02 < gap < 0.1 for gap in gaps)


# Our own choir.


def strongest(x: NDArray[np.float64], low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(x * np.hanning(len(x))))
    hertz = np.fft.rfftfreq(len(x), 1 / RATE)
    power[(hertz < low) | (hertz > high)] = 0
    return float(hertz[power.argmax()])


@pytest.mark.parametrize("key", [40, 52, 64, 76, 84])
def test_the_choir_sings_in_tune(key: int) -> None:
    heard = sing([Sounded(0, 3.0, key, 80)])[RATE // 2 :].sum(axis=1)
    hertz = 440 * 2 ** ((key - 69) / 12)
    assert 1200 * abs(np.log2(strongest(heard, 0.9 * hertz, 1.1 * hertz) / hertz)) < 25


def test_the_choir_holds_its_level_over_its_whole_range() -> None:
    levels = []
    for key in range(40, 85, 4):
        heard = sing([Sounded(0, 1.5, key, 80)])[RATE // 2 : RATE]
        levels.append(20 * np.log10(np.sqrt((heard**2).mean())))
    assert np.ptp(levels) < 6
    assert voice_of([72, 74]) == "soprano" and voice_of([45]) == "bass"


def test_the_choir_begins_and_ends_without_clicks() -> None:
    heard = sing([Sounded(0.2, 1.0, 60, 127)])
    assert not heard[: int(0.14 * RATE)].any() and not heard[int(1.5 * RATE) :].any()
    # What a click has and a voice has not: much above 10 kHz.
    spectrum = np.abs(np.fft.rfft(heard[:, 0])) ** 2
    high = np.fft.rfftfreq(len(heard), 1 / RATE) > 10000
    assert 10 * np.log10(spectrum[high].sum() / spectrum.sum()) < -55


# The room and the master.


@pytest.mark.parametrize("room", [CHURCH, CHAMBER])
def test_a_room_has_two_ears_and_dies_away(room: object) -> None:
    click = impulse(room, RATE)  # type: ignore[arg-type]
    energy = (click.astype(np.float64) ** 2).sum(axis=0)
    assert energy == pytest.approx([1, 1], abs=1e-4)
    left, right = click.T.astype(np.float64)
    assert abs(left @ right) < 0.6
    rest = np.cumsum((click.astype(np.float64) ** 2).sum(axis=1)[::-1])[::-1]
    fall = 10 * np.log10(np.maximum(rest / rest[0], 1e-12))
    # Reverberation time at mid frequencies, from the fall between -5 and -35 dB.
    seconds = 2 * (np.argmax(fall < -35) - np.argmax(fall < -5)) / RATE
    assert seconds == pytest.approx(room.decays[3], rel=0.35)  # type: ignore[attr-defined]


def test_the_dry_sound_keeps_its_place_in_the_room() -> None:
    dry = np.zeros((1000, 2), np.float32)
    dry[100] = 0.5
    before = dry.copy()
    heard = reverberate(dry, CHURCH, RATE)
    assert np.abs(heard).max(axis=1).argmax() == 100 and (dry == before).all()
    assert np.abs(heard[:100]).max() < 1e-6


def peak_of(samples: NDArray[np.float32]) -> float:
    """The true peak by another way than the master's: four points a sample, through the spectrum."""
    padded = np.pad(samples.astype(np.float64), ((64, next_fast_len(len(samples) + 128) - len(samples) - 64), (0, 0)))
    between = np.fft.irfft(np.fft.rfft(padded, axis=0), 4 * len(padded), axis=0) * 4
    return float(20 * np.log10(max(np.abs(between).max(), 1e-10)))


@given(seed=st.integers(0, 1000), gain=st.floats(0.1, 30), darkest=st.floats(300, 15000))
@settings(max_examples=15, deadline=None)
def test_nothing_passes_the_limiter(seed: int, gain: float, darkest: float) -> None:
    noise = np.random.default_rng(seed).standard_normal((20000, 2)) * np.hanning(20000)[:, None] ** 2
    loud = (gain * sosfilt(butter(8, darkest, fs=RATE, output="sos"), noise, axis=0)).astype(np.float32)
    before = loud.copy()
    found = limit(loud, RATE, ceiling=CEILING)
    assert (loud == before).all()
    assert true_peak(found) <= CEILING + 1e-3 and peak_of(found) < -1.05
    if true_peak(loud) <= CEILING:
        assert (found == loud).all()


def test_a_limited_sound_is_left_alone_away_from_its_peaks() -> None:
    sound = (0.3 * np.sin(np.arange(3 * RATE) / 20)[:, None] * np.ones(2)).astype(np.float32)
    sound[RATE : RATE + 40] *= 5
    found = limit(sound, RATE, ceiling=-1.1)
    assert (found[: RATE - 1000] == sound[: RATE - 1000]).all()
    assert found[2 * RATE :] == pytest.approx(sound[2 * RATE :], abs=1e-4)


@pytest.mark.parametrize("frames", [1, 50, 5000, 30000])
def test_short_and_silent_sounds_pass_the_master(frames: int) -> None:
    for level in (0.0, 1e-9, 1.0):
        found = master(np.full((frames, 2), level, np.float32), RATE)
        assert np.isfinite(found).all() and true_peak(found) < -1


# The whole.


@pytest.fixture(scope="module", params=["font", "choir"])
def rendered(request: pytest.FixtureRequest) -> Sound:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "choir":
            patch.setattr(sounding, "locate", missing)
        else:
            try:
                locate("fluidr3mono")
            except ModelMissing:
                pytest.skip("the SoundFont is not installed")
        return render(chorale())


def missing(name: str) -> Path:
    raise ModelMissing(f"The model {name} is not installed; bring it with 'vesica models install {name}'.")


def test_slow_programs_begin_early_and_never_before_the_sound() -> None:
    assert max(sounding.SPEAKS.values()) <= LEAD_IN


def test_a_label_can_say_who_sings(rendered: Sound, request: pytest.FixtureRequest) -> None:
    assert rendered.by == {"font": "FluidR3Mono", "choir": "synthetic choir"}[request.node.callspec.params["rendered"]]


def test_a_rendering_is_clean(rendered: Sound) -> None:
    import pyloudnorm

    samples = rendered.samples
    assert samples.dtype == np.float32 and samples.shape[1] == 2 and np.isfinite(samples).all()
    assert peak_of(samples) < -1
    assert pyloudnorm.Meter(RATE).integrated_loudness(samples.astype(np.float64)) == pytest.approx(-18, abs=0.3)
    assert np.abs(samples.mean(axis=0)).max() < 1e-4
    assert not samples[0].any() and not samples[-1].any()
    assert np.abs(np.diff(samples[:50], axis=0)).max() < 0.005 and np.abs(np.diff(samples[-500:], axis=0)).max() < 1e-4
    balance = 10 * np.log10((samples[:, 0] ** 2).mean() / (samples[:, 1] ** 2).mean())
    assert abs(balance) < 2
    sounded = max(stop for _, stop in note_times(chorale()).values())
    assert sounded + 0.5 < rendered.seconds < sounded + 5


def test_a_wav_is_what_was_rendered(rendered: Sound) -> None:
    data = wav(rendered)
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.format, file.subtype, file.samplerate, file.channels) == ("WAV", "PCM_16", RATE, 2)
        back = file.read(dtype="float32")
    assert np.abs(back - rendered.samples).max() < 2.1 / 32768 and peak_of(back) < -1
    assert wav(rendered) == data


def test_flac_and_mp3_decode_under_the_ceiling(rendered: Sound) -> None:
    back, _ = soundfile.read(io.BytesIO(flac(rendered)), dtype="float32")
    assert np.abs(back - rendered.samples).max() < 2**-22
    data = mp3(rendered)
    back, _ = soundfile.read(io.BytesIO(data), dtype="float32")
    assert peak_of(back) < -1 and mp3(rendered) == data


def test_an_mp3_of_a_loud_sound_is_turned_down() -> None:
    loud = np.sign(np.sin(np.arange(RATE) / 31))[:, None] * np.ones(2) * 10 ** (-1.5 / 20)
    back, _ = soundfile.read(io.BytesIO(mp3(Sound(loud.astype(np.float32), RATE, ""))), dtype="float32")
    assert true_peak(back) < -1


AGAIN = """
import hashlib, sys
from pathlib import Path
from vesica.errors import ModelMissing
from vesica.music import sound
from vesica.music.score_json import read_score
def missing(name): raise ModelMissing(name)
score = read_score(Path(sys.argv[1]).read_bytes())
told = []
for choir in (False, True):
    if choir:
        sound.locate = missing
    rendered = sound.render(score)
    told.append(hashlib.sha256(sound.wav(rendered)).hexdigest())
print(*told)
"""


def test_the_same_score_gives_the_same_bytes_in_fresh_processes_on_one_thread_and_on_two(tmp_path: Path) -> None:
    (tmp_path / "score.json").write_bytes(write_score(chorale(program=48)))
    command = [sys.executable, "-c", AGAIN, str(tmp_path / "score.json")]
    found = []
    for threads in ("1", "2"):
        names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, threads)}
        found.append(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout)
    assert found[0] == found[1]
    assert found[0].split()[0] in (hashlib.sha256(wav(render(chorale(program=48)))).hexdigest(), found[0].split()[1])


@pytest.mark.parametrize("choir", [False, True])
def test_rendering_can_be_stopped_at_every_step_and_leaves_the_score_alone(
    choir: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if choir:
        monkeypatch.setattr(sounding, "locate", missing)
    score, steps = chorale(), list[Step]()
    render(score, progress=steps.append)
    assert [step.done for step in steps] == sorted(step.done for step in steps) and steps[-1].done == steps[-1].total
    for last in range(1, steps[-1].total + 1, 2):

        def stop(step: Step, last: int = last) -> None:
            if step.done >= last:
                raise Cancelled

        with pytest.raises(Cancelled):
            render(score, progress=stop)
    assert score == chorale()


def test_what_can_not_sound_is_told_in_one_sentence() -> None:
    with pytest.raises(VesicaError, match="no notes"):
        render(Score())
    with pytest.raises(VesicaError, match="over 15 minutes"):
        render(one_part((0, 4), (1000, 4)))


@pytest.mark.parametrize("ending", [".wav", ".mp3", ".flac"])
def test_a_sound_file_carries_its_credential(ending: str) -> None:
    format_ = format_of("music", "amen" + ending)
    identity = issue(b"secret", dt.datetime.now(dt.UTC))
    facts = Facts("Amen", (Action("created", "machine"),))
    data = format_.write(chorale())
    signed = embed(data, format_.type, facts, identity, b"secret")
    verdict = read(signed, format_.type, roots=[identity.root_pem])
    assert verdict.state == "trusted" and verdict.title == "Amen"
    one, two = (soundfile.read(io.BytesIO(file), dtype="float32")[0] for file in (data, signed))
    assert (one == two).all()
