"""The last step before a file: loudness (ITU-R BS.1770), a true-peak limiter, and quiet ends."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d
from scipy.signal import butter, resample_poly, sosfilt

from vesica.compiled import kernel
from vesica.music.room import Stereo

LOUDNESS = -18.0
"""LUFS of acoustic music."""

CEILING = -1.1
"""dBTP that a master stays under; dither and the reader's own filter may add a little to it."""

LOOK_AHEAD, RELEASE, SMOOTH = 0.010, 0.080, 0.005
"""Seconds of the limiter."""

FADE_IN, FADE_OUT = 0.004, 0.35
"""Seconds."""

QUIET = 10 ** (-78 / 20)
"""Amplitude, of a master, under which the room has rung out."""


def master(sound: Stereo, rate: int, *, loudness: float = LOUDNESS, ceiling: float = CEILING) -> Stereo:
    """``sound`` [frames, 2] at ``loudness``, no peak between samples over ``ceiling``, beginning and ending at zero."""
    high_pass = butter(2, 18, "highpass", fs=rate, output="sos")
    clean: Stereo = sosfilt(high_pass, sound, axis=0).astype(np.float32)
    clean *= np.float32(10 ** ((loudness - _loudness(clean, rate)) / 20))
    clean = _ends(clean, rate)
    return limit(clean, rate, ceiling=ceiling)


def _loudness(sound: Stereo, rate: int) -> float:
    """Integrated loudness in LUFS; of less than its 0.4 s window, and of silence, what keeps the gain sensible."""
    import pyloudnorm

    window = int(0.4 * rate)
    if len(sound) <= window:
        sound = np.pad(sound, ((0, window + 1 - len(sound)), (0, 0)))
    found = pyloudnorm.Meter(rate).integrated_loudness(sound.astype(np.float64))
    return float(max(found, -70.0))


def _ends(sound: Stereo, rate: int) -> Stereo:
    """Cut where nothing is heard any more; fade both ends, so that no player clicks."""
    loud = np.flatnonzero(np.abs(sound).max(axis=1) > QUIET)
    last = int(loud[-1]) + 1 if len(loud) else 0
    kept = sound[: min(len(sound), last + int(FADE_OUT * rate))].copy()
    rise, fall = min(int(FADE_IN * rate), len(kept)), min(int(FADE_OUT * rate), len(kept))
    if len(kept):
        kept[:rise] *= _bend(rise)
        kept[len(kept) - fall :] *= _bend(fall)[::-1]
    return kept


def _bend(frames: int) -> NDArray[np.float32]:
    """From 0 to 1 by half a cosine, [frames, 1]."""
    return (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, frames)))[:, None].astype(np.float32)


def true_peak(sound: NDArray[Any]) -> float:
    """The highest point of the curve through the samples, 4 points a sample, in dBTP (BS.1770-5, annex 2)."""
    highest = float(np.abs(_between(sound)).max(initial=0.0))
    return float(20 * np.log10(max(highest, 1e-10)))


def _between(sound: NDArray[Any]) -> NDArray[np.float32]:
    if not len(sound):
        return np.zeros((0, sound.shape[1]), np.float32)
    found: NDArray[np.float32] = resample_poly(sound.astype(np.float32), 4, 1, axis=0, window=("kaiser", 9.0))
    return found


def limit(sound: Stereo, rate: int, *, ceiling: float) -> Stereo:
    """Turn down, both sides alike and only around them, the places where the true peak passes ``ceiling`` dBTP."""
    top = 10 ** (ceiling / 20)
    for _ in range(3):
        peaks = np.abs(_between(sound)).max(axis=1, initial=0.0).reshape(-1, 4).max(axis=1)
        if peaks.max(initial=0.0) <= top:
            return sound
        # Between two samples either may be the louder: both must come down.
        peaks = np.maximum(peaks, np.roll(peaks, 1))
        need = minimum_filter1d(np.minimum(1.0, top / np.maximum(peaks, 1e-9)), int(LOOK_AHEAD * rate) | 1)
        gain = uniform_filter1d(_released(need, np.exp(-1 / (RELEASE * rate))), int(SMOOTH * rate) | 1)
        sound = (sound * gain[:, None]).astype(np.float32)
    return sound * np.float32(min(1.0, top / 10 ** (true_peak(sound) / 20)))


@kernel
def _released(need: NDArray[np.float64], keep: float) -> NDArray[np.float64]:
    """Down at once, up slowly: a gain never above ``need``."""
    gain = np.empty(len(need))
    now = 1.0
    for frame in range(len(need)):
        now = min(need[frame], 1 - (1 - now) * keep)
        gain[frame] = now
    return gain
