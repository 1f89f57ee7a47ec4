"""A score as sound: performed, played, set in a room, mastered, and written as a file."""

import io
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vesica.errors import ModelMissing, VesicaError
from vesica.music.mastering import master, true_peak
from vesica.music.performance import perform
from vesica.music.player import RATE, play
from vesica.music.room import CHURCH, Stereo, reverberate
from vesica.music.score import Score
from vesica.music.sounded import Sounded
from vesica.music.soundfont import open_soundfont
from vesica.weights.cards import card, locate
from vesica.work import Progress, Step

FONT = "fluidr3mono"
SPEAKS = {19: 0.04, 48: 0.04, 52: 0.1}
"""Seconds by which players of the font's slow programs begin early, so that they are heard on the beat."""

LONGEST = 900.0
"""Seconds: two stems and their sum then weigh 2 GB."""

TOP = -1.0
"""dBTP that a file stays under once decoded."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Finished sound. ``samples``: float32 [frames, 2] within -1..1; ``by``: who sings, for a label."""

    samples: Stereo
    rate: int
    by: str

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate


def render(score: Score, *, progress: Progress | None = None) -> Sound:
    """The score as it sounds in a church, by the SoundFont if it is installed, else by the studio's own choir.

    The same score gives the same samples on one thread and on two. ``progress`` may raise ``Cancelled``.
    Raises ``VesicaError`` for a score without notes or of more than 15 minutes.
    """
    notes = perform(score)
    if not notes:
        raise VesicaError("This score has no notes to sound; write some first.")
    if max(note.start + note.length for note in notes) > LONGEST:
        raise VesicaError("This score sounds for over 15 minutes; bring a part of it.")
    total = len({note.stem for note in notes}) + 2
    tell = partial(_tell, progress, total)
    try:
        font = open_soundfont(locate(FONT))
    except ModelMissing:
        from vesica.music.choir import sing

        by, dry = "synthetic choir", sing(notes, rate=RATE, progress=tell)
    else:
        by, dry = card(FONT).title.split()[0], play([_early(note) for note in notes], font, rate=RATE, progress=tell)
    wet = reverberate(dry.astype(np.float32), CHURCH, RATE)
    tell(Step(total - 1, total, note="set in a church"))
    samples = master(wet, RATE)
    tell(Step(total, total, note="mastered"))
    return Sound(samples, RATE, by)


def _early(note: Sounded) -> Sounded:
    lead = SPEAKS.get(note.program, 0.0)
    return replace(note, start=note.start - lead, length=note.length + lead)


def _tell(progress: Progress | None, total: int, step: Step) -> None:
    if progress:
        progress(Step(step.done, total, note=step.note))


def wav(sound: Sound) -> bytes:
    """16-bit WAV, with triangular dither of one seed: the same sound is the same bytes."""
    return _written(_dithered(sound.samples), sound.rate, "WAV", "PCM_16")


def flac(sound: Sound) -> bytes:
    """24-bit FLAC."""
    return _written(sound.samples, sound.rate, "FLAC", "PCM_24")


def mp3(sound: Sound) -> bytes:
    """MP3 at about 190 kbit/s, turned down where decoding overshoots."""
    import soundfile

    gain = 1.0
    while True:
        data = _written(sound.samples * np.float32(gain), sound.rate, "MP3", "MPEG_LAYER_III")
        decoded, _ = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        over = true_peak(decoded) - TOP
        if over <= 0:
            return data
        gain *= 10 ** (-(over + 0.1) / 20)


def _dithered(samples: Stereo) -> NDArray[np.int16]:
    generator = np.random.default_rng(16)
    noise = generator.random(samples.shape, np.float32) - generator.random(samples.shape, np.float32)
    # Digital silence at the very ends stays silent.
    noise[np.abs(samples) == 0] = 0
    return np.clip(np.rint(samples * np.float32(32767) + noise), -32768, 32767).astype(np.int16)


def _written(samples: NDArray[np.float32] | NDArray[np.int16], rate: int, container: str, subtype: str) -> bytes:
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=container, subtype=subtype)
    return out.getvalue()
