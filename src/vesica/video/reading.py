"""Reading videos: any usual file becomes a plain MP4 of constant frame rate, frame by frame where it is looked at."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import IO

import numpy as np

from vesica.errors import VesicaError
from vesica.image.pictures import Picture
from vesica.video import ffmpeg, mp4
from vesica.video.clip import FASTEST, MOST_FRAMES, Video, check_count, check_size, in_words

RATES = tuple(
    Fraction(*rate)
    for rate in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1))
)
"""Frame rates that cameras and players share."""

UNEVEN = Fraction(3, 500)
"""Seconds that a frame may come early or late in a video of constant rate: GIF rounds to hundredths."""

ENCODE = ("-c:v", "libx264", "-preset", "medium", "-crf", "17", "-threads", "2")
"""H.264 near to what the eye can't tell apart. Threads are fixed: their number shows."""

USUAL = "format=yuv420p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
"""Filters that end every chain before the encoder: what every player takes, and says so."""

BARE = (
    *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
    *("-flags:a", "+bitexact", "-write_tmcd", "0", "-f", "mp4"),
)
"""Nothing but picture and sound: no dates, no names of programs, no place where a phone was."""

SCALER = "accurate_rnd+full_chroma_int+full_chroma_inp+bitexact+bicubic"
LAID_ON_WHITE = "format=rgba,split[a][b];[a]drawbox=c=white:t=fill:replace=1[c];[c][b]overlay=format=rgb"
TONED_DOWN = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
"""Linear light at the reference white of ITU-R BT.2408, then Hable's curve."""


def read_video(data: bytes) -> Video:
    """The video in an MP4, MOV, WebM, Matroska, AVI, GIF or animated WebP file.

    A plain MP4 stays as it is, to the byte. All else is converted once: turned upright, to square pixels, even sides,
    a constant rate of at most 60 frames a second, 8 bits, the light of usual screens, white where it is transparent.
    Tags go. Raises ``VesicaError`` where the bytes are empty, damaged, cut short, no video, too large or too long.
    """
    if not data:
        raise VesicaError("The video file is empty; export it again.")
    found = mp4.plain(data)
    remarks: tuple[str, ...] = found.remarks if found else ()
    if not found or not found.bare or found.fps > FASTEST:
        if found:
            _check(found)
        data, remarks = _converted(data, copy=found is not None and found.fps <= FASTEST)
        found = mp4.plain(data)
        if not found:
            raise VesicaError(ffmpeg.BROKEN)
    _check(found)
    return Video(data, found.width, found.height, found.fps, found.count, found.sound, remarks)


def _check(found: mp4.Plain) -> None:
    check_size(found.width, found.height)
    check_count(found.count, found.fps)


def frames(video: Video, *, size: tuple[int, int] | None = None) -> Iterator[Picture]:
    """Every frame of a video in order, uint8 [height, width, 3] in sRGB, decoded as they are asked for.

    size : width and height to scale to on the way. Raises ``VesicaError`` where a frame is damaged.
    """
    width, height = size or (video.width, video.height)
    scaled = "" if size is None else f"{width}:{height}:"
    flags = SCALER if size is None or width > video.width else SCALER.replace("bicubic", "area")
    with ffmpeg.unnamed(video.data) as file:
        arguments = [
            *("-loglevel", "error", "-xerror", *ffmpeg.source(file), "-map", "0:V:0", "-fps_mode", "passthrough"),
            *("-vf", f"scale={scaled}flags={flags},format=rgb24", "-f", "rawvideo", "pipe:1"),
        ]
        count = 0
        try:
            with ffmpeg.running(arguments, [file]) as process:
                assert process.stdout
                while count < video.count:
                    raw = process.stdout.read(width * height * 3)
                    if len(raw) < width * height * 3:
                        break
                    count += 1
                    yield np.frombuffer(raw, np.uint8).reshape(height, width, 3)
        except ffmpeg.Ended as fault:
            raise VesicaError(_damaged(count)) from fault
        if count < video.count:
            raise VesicaError(_damaged(count))


def digests(video: Video) -> tuple[str, ...]:
    """A digest of each frame as it is seen: 128 bits of its decoded planes, hexadecimal."""
    with ffmpeg.unnamed(video.data) as file:
        arguments = [
            *("-loglevel", "error", "-xerror", *ffmpeg.source(file), "-map", "0:V:0", "-fps_mode", "passthrough"),
            *("-f", "framehash", "-hash", "murmur3", "pipe:1"),
        ]
        try:
            out, _ = ffmpeg.run(arguments, [file])
        except ffmpeg.Ended as fault:
            raise VesicaError("The video is damaged; export it again.") from fault
    found = tuple(row.rsplit(b",", 1)[1].strip().decode() for row in out.splitlines() if not row.startswith(b"#"))
    if len(found) != video.count:
        raise VesicaError(_damaged(len(found)))
    return found


def sound_digest(video: Video) -> str:
    """A digest of the coded sound; empty where there is none."""
    if not video.sound:
        return ""
    with ffmpeg.unnamed(video.data) as file:
        copied = ["-map", "0:a:0", "-c", "copy", "-f", "hash", "-hash", "sha256", "pipe:1"]
        try:
            return ffmpeg.run(["-loglevel", "error", *ffmpeg.source(file), *copied], [file])[0].decode().strip()
        except ffmpeg.Ended as fault:
            raise VesicaError("The sound of the video is damaged; export it again.") from fault


def _damaged(count: int) -> str:
    return f"The video is damaged behind frame {count}; export it again."


# Conversion


@dataclass(frozen=True, slots=True)
class _Track:
    """The picture track of a file, from what ffmpeg says of it."""

    coded: str
    layout: str
    colours: str
    width: int
    height: int
    square: Fraction
    """Width of a pixel by its height."""
    turned: bool
    transparent: bool


def _converted(data: bytes, *, copy: bool) -> tuple[bytes, tuple[str, ...]]:
    """A plain file of the same video, and remarks on what was changed. ``copy``: its tracks may stay as they are."""
    with ffmpeg.unnamed(data) as file:
        try:
            track, sound, times = _probe(file)
            fps, even = _rate(times)
            check_count(max(len(times), round(float(times[-1] - times[0]) * float(fps))), fps)
            remarks: tuple[str, ...] = ()
            video: Sequence[str] = ("-c:v", "copy")
            if not copy:
                filters, remarks = _filters(track, fps, even, times)
                video = ("-vf", filters, "-fps_mode", "cfr", "-r", str(fps), *ENCODE)
            hearing = () if not sound else ("-c:a", "copy") if sound == "aac" else ("-c:a", "aac", "-b:a", "192k")
            decoder = {"vp9": "libvpx-vp9", "vp8": "libvpx"}.get(track.coded, "") if track.transparent else ""
            with ffmpeg.unnamed() as out:
                arguments = [
                    *("-loglevel", "error", "-nostdin", *ffmpeg.source(file, decoder)),
                    *("-map", "0:V:0", "-map", "0:a:0?", *video, *hearing, "-t", f"{MOST_FRAMES / float(fps):.3f}"),
                    *(*BARE, "-fd", str(out.fileno()), "fd:"),
                ]
                ffmpeg.run(arguments, [file, out])
                out.seek(0)
                return mp4.finished(out.read(), remarks), remarks
        except (ffmpeg.Ended, StopIteration) as fault:
            raise VesicaError(ffmpeg.BROKEN) from fault


def _probe(file: IO[bytes]) -> tuple[_Track, str, list[Fraction]]:
    """The picture track, the name of the sound's codec (empty: none), and when each packet is to be shown."""
    arguments = [
        *("-loglevel", "info", "-nostdin", *ffmpeg.source(file), "-map", "0:V:0", "-c", "copy"),
        *("-frames:v", str(2 * MOST_FRAMES), "-f", "framehash", "-hash", "adler32", "pipe:1"),
    ]
    out, said = ffmpeg.run(arguments, [file])
    file.seek(0)
    said = said.partition("Output #0")[0]
    video = next(
        found
        for found in ffmpeg.lines(said, r": Video: (\w+).*?, (\w+)(?:\(([^)]*)\))?, (\d+)x(\d+)(?:.*?SAR (\d+):(\d+))?")
        if "attached pic" not in found.string
    )
    sound = next((found[1] for found in ffmpeg.lines(said, r": Audio: (\w+)")), "")
    width, height = int(video[4]), int(video[5])
    check_size(width, height)
    square = Fraction(int(video[6] or 1), int(video[7] or 1)) if video[7] != "0" else Fraction(1)
    turn = next((float(found[1]) for found in ffmpeg.lines(said, r"rotation of (-?[\d.]+) degrees")), 0.0)
    base = Fraction(next(row for row in out.splitlines() if row.startswith(b"#tb 0:")).split()[-1].decode())
    rows = [row.split(b",") for row in out.splitlines() if not row.startswith(b"#")]
    times = sorted(int(row[2]) * base for row in rows)
    if not times:
        raise VesicaError("The video has no frames; export it again.")
    layout = video[2]
    see_through = bool(re.match(r"yuva|rgba|bgra|argb|abgr|gbrap|ya\d|pal8", layout)) or "alpha_mode" in said
    return (
        _Track(video[1], layout, video[3] or "", width, height, square, bool(turn % 360), see_through),
        sound,
        times,
    )


def _rate(times: Sequence[Fraction]) -> tuple[Fraction, bool]:
    """The frame rate for frames shown at ``times``, and whether they come evenly already."""
    if len(times) < 2:
        return Fraction(25), True
    gaps = [later - sooner for sooner, later in itertools.pairwise(times) if later > sooner]
    if not gaps:
        return Fraction(25), False
    whole = (times[-1] - times[0]) / (len(times) - 1)
    even = all(abs(time - times[0] - number * whole) <= UNEVEN for number, time in enumerate(times))
    exact = 1 / (whole if even else median(gaps))
    if exact > FASTEST:
        return Fraction(FASTEST), False
    near = min(RATES, key=lambda rate: abs(rate - exact))
    if abs(near / exact - 1) < Fraction(1, 500):
        return near, even
    if even:
        return exact.limit_denominator(1001), True
    # Uneven: the next usual rate that loses no frame at the usual pace.
    return next(rate for rate in RATES if rate >= exact * Fraction(99, 100)), False


def _filters(track: _Track, fps: Fraction, even: bool, times: Sequence[Fraction]) -> tuple[str, tuple[str, ...]]:
    """How ffmpeg makes frames plain, and what of it a person should know."""
    steps, remarks = ["bwdif=mode=send_frame:deint=interlaced"], []
    if not even:
        faster = len(times) > 1 and (len(times) - 1) / max(times[-1] - times[0], Fraction(1, 1000)) > FASTEST
        how = "too fast for players" if faster else "at uneven times"
        remarks.append(f"Its frames came {how}; it was made constant at {in_words(fps)} frames a second.")
    if track.transparent:
        steps.append(LAID_ON_WHITE)
        if track.coded not in ("gif", "webp_anim"):  # of which nothing tells whether a pixel is transparent
            remarks.append("Its transparency was laid over white.")
    if re.search(r"smpte2084|arib-std-b67", track.colours):
        steps.append(TONED_DOWN)
        remarks.append("Its high dynamic range was brought down to that of usual screens.")
    steps.append(f"fps={fps}")
    if track.square != 1:
        steps.append("scale=w='max(2,round(iw*sar/2)*2)':h=ih")
        remarks.append("Its pixels were made square.")
    if track.turned:
        remarks.append("It was turned upright, as its camera said.")
    if track.width % 2 or track.height % 2:
        remarks.append("Its sides were cut by a pixel to be even.")
    steps.append("crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0")
    matrix = "bt709" if "bt709" not in track.colours and _unsaid(track.colours) and track.height >= 720 else "auto"
    steps.append(f"scale=in_color_matrix={matrix}:out_color_matrix=bt709:out_range=tv:flags={SCALER}")
    steps.append(f"setsar=1,{USUAL}")
    return ",".join(steps), tuple(remarks)


def _unsaid(colours: str) -> bool:
    """Whether a file leaves open in which colours it is coded."""
    return not re.search(r"bt|smpte|fcc|gbr|ycgco", colours)
