"""A room to sound in: convolution with an impulse of our own, early echoes and a tail of noise that dies away."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt

Stereo = NDArray[np.float32]

SOUND = 343.0
"""Metres a second."""


@dataclass(frozen=True, slots=True)
class Room:
    """A shoebox with a tail. ``decays``: seconds to fall by 60 dB, in octaves from 125 Hz up."""

    size: tuple[float, float, float]
    """Metres: width, length, height."""
    decays: tuple[float, ...]
    build_up: float
    """Seconds until the tail is dense and loudest."""
    wet: float
    """Energy of the room against that of the dry sound."""


CHURCH = Room((13.0, 27.0, 11.0), (2.6, 2.7, 2.5, 2.2, 1.7, 1.2, 0.8), 0.045, 0.5)
CHAMBER = Room((8.0, 12.0, 5.0), (0.9, 1.0, 1.0, 0.9, 0.8, 0.6, 0.45), 0.015, 0.22)


@lru_cache(maxsize=4)
def impulse(room: Room, rate: int, seed: int = 1685) -> Stereo:
    """What both ears hear of a click in a room, without the click itself: float32 [frames, 2], energy 1 an ear."""
    generator = np.random.default_rng(seed)
    frames = int(max(room.decays) * rate)
    time = np.arange(frames) / rate
    tail = np.zeros((frames, 2))
    noise = generator.standard_normal((frames, 2))
    # Low notes reach both ears alike, high ones do not.
    middle = noise.mean(axis=1, keepdims=True) * np.sqrt(2)
    for octave, decay in enumerate(room.decays):
        centre = 125 * 2.0**octave
        band = butter(2, [centre / 2**0.5, min(centre * 2**0.5, 0.45 * rate)], "bandpass", fs=rate, output="sos")
        alike = 1 / (1 + (centre / 400) ** 2)
        source = np.sqrt(alike) * middle + np.sqrt(1 - alike) * noise
        tail += sosfilt(band, source, axis=0) * (10 ** (-3 * time / decay))[:, None]
    tail *= (1 - np.exp(-((time / room.build_up) ** 2)))[:, None]
    tail[-rate // 20 :] *= np.linspace(1, 0, rate // 20)[:, None]
    tail /= np.sqrt((tail**2).sum(axis=0))
    early = _echoes(room, rate, frames)
    both: NDArray[np.float64] = np.sqrt(0.75) * tail + np.sqrt(0.25) * early
    both /= np.sqrt((both**2).sum(axis=0))
    return both.astype(np.float32)


def _echoes(room: Room, rate: int, frames: int) -> NDArray[np.float64]:
    """First and second reflections of a choir on the long axis, each darker than the last; energy 1 an ear."""
    width, length, height = room.size
    found = np.zeros((frames, 2))
    singer, ears = np.array([0.5 * width, 0.25 * length, 1.6]), np.array([0.47 * width, 0.6 * length, 1.4])
    straight = np.linalg.norm(singer - ears)
    for across in range(-2, 3):
        for along in range(-2, 3):
            for up in range(-1, 2):
                bounces = abs(across) + abs(along) + abs(up)
                if not 1 <= bounces <= 3:
                    continue
                image = np.array(
                    [
                        side * count + (place if count % 2 == 0 else side - place)
                        for side, count, place in zip((width, length, height), (across, along, up), singer, strict=True)
                    ]
                )
                way = np.linalg.norm(image - ears)
                strength = 0.75**bounces * straight / way
                aside = (image[0] - ears[0]) / way
                for ear, side in enumerate((-1, 1)):
                    # Half a head between the ears.
                    frame = round((way - straight - side * 0.09 * aside) / SOUND * rate)
                    if 0 < frame < frames:
                        found[frame, ear] += strength * (1 + 0.6 * side * aside)
    # Walls swallow the highs.
    found = sosfilt(butter(1, 3500, fs=rate, output="sos"), found, axis=0)
    found /= np.sqrt((found**2).sum(axis=0))
    return found


def reverberate(dry: Stereo, room: Room, rate: int) -> Stereo:
    """``dry`` [frames, 2] in ``room``, with the time it takes to ring out added at the end."""
    click = impulse(room, rate)
    wet = oaconvolve(dry, click, axes=0)
    sound: Stereo = np.sqrt(np.float32(room.wet)) * wet.astype(np.float32)
    sound[: len(dry)] += dry
    return sound
