"""What sound costs and how near it comes: a Bach chorale rendered by font and by choir, and programs beside FluidSynth.

Run: python bench/bench_sound.py [PROGRAM ...]

Needs music21 (a development dependency) for the chorale; the font for all but the choir; the program fluidsynth for the
comparison, which it leaves out with one line.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import mido
import numpy as np
import soundfile
from numpy.typing import NDArray

from vesica.errors import ModelMissing
from vesica.music import sound
from vesica.music.align import with_ids
from vesica.music.mastering import true_peak
from vesica.music.player import RATE, play
from vesica.music.score import ZERO, Metre, Note, Part, Pitch, Score, Tempo, tidy
from vesica.music.sounded import Sounded
from vesica.music.soundfont import open_soundfont
from vesica.weights.cards import locate

REFERENCE = 9.0
"""Decibels between our full scale and FluidSynth at a gain of 0.5 with controller 7 at 100."""


def chorale(name: str, program: int) -> Score:
    """One of Bach's out of music21's corpus, at 66 quarter notes a minute."""
    from music21 import corpus

    parts = []
    for line in corpus.parse(name).stripTies().parts:
        notes = [
            Note(
                "",
                Fraction(note.offset).limit_denominator(96),
                Fraction(note.quarterLength).limit_denominator(96),
                Pitch(note.pitch.step, int(note.pitch.alter), note.pitch.octave),
                fermata=any("Fermata" in type(sign).__name__ for sign in note.expressions),
            )
            for note in line.flatten().notes
        ]
        parts.append(Part(line.partName, program, tuple(notes)))
    score = Score(name, tuple(parts), (Metre(ZERO, 4, 4),), tempi=(Tempo(ZERO, Fraction(66)),), pickup=Fraction(1))
    return with_ids(tidy(score))


def rendering(label: str, score: Score) -> None:
    """Print time and quality of the second rendering, when kernels are compiled."""
    for again in (False, True):
        open_soundfont.cache_clear()
        began = time.process_time()
        rendered = sound.render(score)
        took = time.process_time() - began
        if not again:
            print(f"{label}: first rendering in this process {took:.1f} CPU-seconds")
    import pyloudnorm

    loud = pyloudnorm.Meter(RATE).integrated_loudness(rendered.samples.astype(np.float64))
    power = (rendered.samples.astype(np.float64) ** 2).mean(axis=0)
    print(
        f"{label}: {rendered.seconds:.1f} s by {rendered.by} in {took:.2f} CPU-seconds, font load included "
        f"({rendered.seconds / took:.0f} s of sound a CPU-second); {loud:.2f} LUFS, peak "
        f"{true_peak(rendered.samples):.2f} dBTP, left against right {10 * np.log10(power[0] / power[1]):+.2f} dB, "
        f"mean {np.abs(rendered.samples.mean(axis=0)).max():.1e}"
    )
    for write in (sound.wav, sound.flac, sound.mp3):
        began = time.process_time()
        size = len(write(rendered))
        print(f"  {write.__name__}: {size / 1e6:.2f} MB in {time.process_time() - began:.2f} CPU-seconds")


def bands(x: NDArray[Any]) -> NDArray[np.float64]:
    """Levels in dB of 32 mel bands a frame of 46 ms, [bands, frames]."""
    frames = np.lib.stride_tricks.sliding_window_view(x, 2048)[::1024] * np.hanning(2048)
    power = np.abs(np.fft.rfft(frames, axis=1)).T ** 2
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(2048, 1 / RATE) / 700)
    edges = np.linspace(85, 3000, 34)
    rise = np.minimum(mel - edges[:-2, None], edges[2:, None] - mel) / (edges[1] - edges[0])
    found: NDArray[np.float64] = 10 * np.log10(np.clip(rise, 0, None) @ power + 1e-12)
    return found


def beside_fluidsynth(program: int, font: Path, folder: Path) -> None:
    """Print level and shape against FluidSynth, dry."""
    keys = [(key, velocity) for velocity in (40, 80, 110) for key in range(45, 82, 6)]
    notes = [Sounded(1.5 * place, 0.8, key, velocity, program) for place, (key, velocity) in enumerate(keys)]
    track = mido.MidiTrack([mido.Message("program_change", program=program)])
    for key, velocity in keys:
        track.append(mido.Message("note_on", note=key, velocity=velocity, time=0 if len(track) == 1 else 700))
        track.append(mido.Message("note_off", note=key, time=800))
    mido.MidiFile(tracks=[track], ticks_per_beat=500).save(folder / "notes.mid")
    dry = ["-ni", "-R", "0", "-C", "0", "-g", "0.5", "-r", str(RATE), "-O", "float", "-T", "wav"]
    files = ["-F", str(folder / "notes.wav"), str(font), str(folder / "notes.mid")]
    subprocess.run(["fluidsynth", *dry, *files], check=True, capture_output=True)
    theirs = soundfile.read(folder / "notes.wav")[0].sum(axis=1)
    ours = play(notes, open_soundfont(font)).sum(axis=1)
    frames = min(len(ours), len(theirs))
    one, two = bands(theirs[:frames]), bands(ours[:frames])
    difference = (two - one)[one > one.max() - 50]
    level = 10 * np.log10((ours[:frames] ** 2).mean() / (theirs[:frames] ** 2).mean()) - REFERENCE
    shape = np.abs(difference - np.median(difference)).mean()
    print(f"program {program:3d} against FluidSynth: level {level:+.2f} dB, shape {shape:.2f} dB")


def main(programs: list[int]) -> None:
    """Print the figures."""
    score = chorale("bwv244.54", 52)
    try:
        font = locate("fluidr3mono")
    except ModelMissing as fault:
        print(fault)
    else:
        rendering("font", score)
        if shutil.which("fluidsynth"):
            with tempfile.TemporaryDirectory() as folder:
                for program in programs:
                    beside_fluidsynth(program, font, Path(folder))
        else:
            print("The program fluidsynth is not installed; left out: the comparison with it.")
    with tempfile.TemporaryDirectory() as folder:
        # A cache without the font.
        os.environ["VESICA_CACHE"] = folder
        rendering("choir", score)


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [52, 19, 48, 0, 6, 24, 40, 42, 56, 60, 68, 71, 73])
