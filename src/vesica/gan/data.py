"""The pictures that a network learns from: a folder looked through, and what of it is kept to learn from."""

import hashlib
import json
import random
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from vesica.errors import VesicaError, in_words
from vesica.gan.alike import groups, near_pairs, perceptual_hash
from vesica.image.pictures import Picture, read_picture
from vesica.weights.cache import writing
from vesica.work import Progress, Step

Mode = Literal["whole", "brushwork"]
"""What one sample is: a whole picture, or a crop of a large one."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
FEWEST, MOST = 10, 5000
MOST_PACKED = 1 << 30
"""Bytes that the pictures may take as they are kept to learn from."""

SMALLEST = 16
"""Pixels of the shortest side below which a picture is left out."""

ROOM = 2.25
"""In brushwork, how many times a sample's size a picture's shortest side has at most."""

LONGEST = {"whole": 2.0, "brushwork": 6.0}
"""How many times as long as wide a picture is at most; what is longer is cut at both ends."""

HELD_OUT_FROM = 30
"""Pictures from which on one in ten is held out."""

MOST_HELD_OUT = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture: its file below the folder, its size in pixels, a digest of its pixels, its perceptual hash."""

    file: str
    width: int
    height: int
    digest: str
    hash: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What a folder holds.

    files : that look like pictures by their name
    kept : pictures to learn from, by file
    held_out : places in ``kept`` that are not learned from; what is made is compared with them
    left_out : file and why it could not be used, in a sentence
    twins : file and the other that it equals pixel by pixel; not kept
    near : pairs of files that are nearly the same; both kept
    """

    mode: Mode
    size: int
    files: int
    kept: tuple[Seen, ...]
    held_out: tuple[int, ...]
    left_out: tuple[tuple[str, str], ...]
    twins: tuple[tuple[str, str], ...]
    near: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of all pictures kept, in order."""
        return hashlib.sha256("".join(one.digest for one in self.kept).encode()).hexdigest()

    @property
    def learned(self) -> list[int]:
        """Places in ``kept`` that are learned from."""
        return [place for place in range(len(self.kept)) if place not in set(self.held_out)]


@dataclass(frozen=True)
class Pictures:
    """A folder looked through, with its pictures as they are learned from: uint8 [height, width, 3] each."""

    survey: Survey
    pixels: tuple[Picture, ...]


def look_through(
    folder: Path,
    *,
    size: int,
    mode: Mode = "whole",
    ground: str = "white",
    seed: int = 1,
    progress: Progress | None = None,
) -> Pictures:
    """Read every picture below a folder and keep what can be learned from.

    Parameters
    ----------
    size : pixels of a sample's side; pictures are kept no larger than samples of it need
    ground : colour under transparent places
    seed : decides which pictures are held out, one in ten where there are ``HELD_OUT_FROM`` or more
    progress : called after each file; may raise ``Cancelled``

    Raises
    ------
    VesicaError : no such folder, fewer than 10 different pictures, all alike, or more than can be held
    """
    files = _files(folder)
    kept: list[Seen] = []
    pixels: list[Picture] = []
    left_out, twins, bytes_ = [], [], 0
    by_digest: dict[str, str] = {}
    for done, (file, found) in enumerate(_read_all(folder, files, size, mode, ground), 1):
        if isinstance(found, str):
            left_out.append((file, found))
        elif found[0].digest in by_digest:
            twins.append((file, by_digest[found[0].digest]))
        else:
            by_digest[found[0].digest] = file
            kept.append(found[0])
            pixels.append(found[1])
            bytes_ += found[1].nbytes
        if bytes_ > MOST_PACKED:
            raise VesicaError(
                f"The pictures take more than {MOST_PACKED >> 30} GB at {size} pixels; choose a smaller --size, "
                "or fewer of them."
            )
        if progress:
            progress(Step(done, len(files), note=file))
    if len(kept) < FEWEST:
        raise VesicaError(_too_few(folder, len(files), len(kept), left_out))
    pairs = near_pairs([one.hash for one in kept])
    families = groups(len(kept), pairs)
    if len(families) == 1:
        raise VesicaError(
            f"All {len(kept)} pictures in {folder} look alike; give pictures that differ, or there is nothing to learn."
        )
    near = tuple((kept[first].file, kept[second].file) for first, second in pairs)
    survey = Survey(
        mode, size, len(files), tuple(kept), _hold_out(families, len(kept), seed), tuple(left_out), tuple(twins), near
    )
    return Pictures(survey, tuple(pixels))


def _files(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise VesicaError(f"{folder} is no folder; give one with {FEWEST} to {MOST:,} pictures.")
    found = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if len(found) > MOST:
        raise VesicaError(f"{folder} has {len(found):,} pictures; choose up to {MOST:,} of them.")
    return found


def _too_few(folder: Path, files: int, kept: int, left_out: list[tuple[str, str]]) -> str:
    told = f"{folder} has {kept} different picture{'' if kept == 1 else 's'} that can be read"
    if files > kept:
        told += f" among {files} files"
    if left_out:
        told += f" ({left_out[0][0]}: {left_out[0][1].rstrip('.')})"
    return f"{told}; give {FEWEST} or more."


def _read_all(
    folder: Path, files: list[str], size: int, mode: Mode, ground: str
) -> Iterator[tuple[str, tuple[Seen, Picture] | str]]:
    """Each file with its picture, or with why there is none, in order; a few are read at once."""
    with ThreadPoolExecutor(4) as pool:
        waiting: deque[tuple[str, Future[tuple[Seen, Picture] | str]]] = deque()
        try:
            for file in files:
                waiting.append((file, pool.submit(_read, folder, file, size, mode, ground)))
                if len(waiting) > 6:
                    name, found = waiting.popleft()
                    yield name, found.result()
            while waiting:
                name, found = waiting.popleft()
                yield name, found.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _read(folder: Path, file: str, size: int, mode: Mode, ground: str) -> tuple[Seen, Picture] | str:
    try:
        picture = read_picture((folder / file).read_bytes(), ground=ground)
    except VesicaError as fault:
        return str(fault)
    except OSError as fault:  # taken away, or made unreadable, since the folder was listed
        return in_words(fault)
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST:
        return f"It has {width} x {height} pixels; give pictures of {SMALLEST} or more a side."
    digest = hashlib.sha256(f"{width}x{height}:".encode() + picture.tobytes()).hexdigest()
    return Seen(file, width, height, digest, perceptual_hash(picture)), _fitted(picture, size, mode)


def _fitted(picture: Picture, size: int, mode: Mode) -> Picture:
    """The middle of the picture, no longer than ``LONGEST``, as large as samples of it need and no larger."""
    height, width = picture.shape[:2]
    short = min(height, width)
    wanted = size if mode == "whole" else min(max(size, short), round(ROOM * size))
    long = min(max(height, width), int(short * LONGEST[mode]))
    high, wide = (long, short) if height >= width else (short, long)
    top, left = (height - high) // 2, (width - wide) // 2
    part = Image.fromarray(picture[top : top + high, left : left + wide])
    scale = wanted / short
    return np.array(part.resize((max(wanted, round(wide * scale)), max(wanted, round(high * scale))), _LANCZOS))


_LANCZOS = Image.Resampling.LANCZOS


def _hold_out(families: list[list[int]], count: int, seed: int) -> tuple[int, ...]:
    """One picture in ten, of those that have no near duplicate among what is learned from."""
    if count < HELD_OUT_FROM:
        return ()
    alone = [family[0] for family in families if len(family) == 1]
    wanted = min(count // 10, MOST_HELD_OUT, len(alone) // 2)
    return tuple(sorted(random.Random(seed).sample(alone, wanted)))


def keep(pictures: Pictures, path: Path) -> None:
    """Write the pictures as one safetensors file, whole or not at all, so that the folder may change from here on."""
    tensors = {f"{place:04d}": pixels for place, pixels in enumerate(pictures.pixels)}
    survey = json.dumps(asdict(pictures.survey), ensure_ascii=False)
    with writing(path) as file:
        file.write(save(tensors, metadata={"format": "vesica-pictures/1", "survey": survey}))


def kept(path: Path) -> Pictures:
    """Read what ``keep`` wrote. Raises ``VesicaError`` where it is damaged or not ours."""
    try:
        with safe_open(path, "np") as file:
            told: Mapping[str, str] = file.metadata() or {}
            if told.get("format") != "vesica-pictures/1":
                raise VesicaError(f"{path} was not written by this version of vesica; begin in a new folder.")
            pixels = tuple(file.get_tensor(name) for name in sorted(file.keys()))
        survey = _survey(json.loads(told["survey"]))
    except (SafetensorError, ValueError, KeyError, TypeError) as fault:
        raise VesicaError(f"{path} is damaged; begin in a new folder.") from fault
    if len(pixels) != len(survey.kept) or any(one.ndim != 3 or one.dtype != np.uint8 for one in pixels):
        raise VesicaError(f"{path} is damaged; begin in a new folder.")
    return Pictures(survey, pixels)


def _survey(told: dict[str, object]) -> Survey:
    def pairs(name: str) -> tuple[tuple[str, str], ...]:
        return tuple((str(first), str(second)) for first, second in told[name])  # type: ignore[attr-defined]

    if told["mode"] not in get_args(Mode):
        raise ValueError(told["mode"])
    return Survey(
        told["mode"],  # type: ignore[arg-type]
        int(told["size"]),  # type: ignore[call-overload]
        int(told["files"]),  # type: ignore[call-overload]
        tuple(Seen(**one) for one in told["kept"]),  # type: ignore[attr-defined]
        tuple(int(place) for place in told["held_out"]),  # type: ignore[attr-defined]
        pairs("left_out"),
        pairs("twins"),
        pairs("near"),
    )
