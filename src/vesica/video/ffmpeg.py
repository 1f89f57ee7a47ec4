"""The ffmpeg program, in a process of its own: none of it is linked in, and what a file does to it stays in there.

Files go in and out by open descriptors of files without a name, so that nothing is left on the disk whatever ends the
process. A file may neither name other files nor the network, and is read by a list of known demuxers and decoders.
"""

import contextlib
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from typing import IO

from vesica.errors import VesicaError

DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,webp_anim"
DECODERS = (
    "h264,hevc,av1,libdav1d,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mpeg2video,mjpeg,prores,dnxhd,ffv1,huffyuv,rawvideo,"
    "png,qtrle,gif,webp,webp_anim,theora,h263,msmpeg4v3,"
    "aac,mp3,mp3float,opus,vorbis,flac,alac,ac3,eac3,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,"
    "pcm_u8,adpcm_ms,adpcm_ima_wav,pcm_mulaw,pcm_alaw"
)

SECONDS = 1200
"""Wall time after which a conversion is given up."""

BROKEN = "The video is damaged or none of the kinds that can be read; export it again as MP4 (H.264), WebM or MOV."


@cache
def program() -> str:
    """Where ffmpeg is. Raises ``VesicaError`` where it is not."""
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as fault:
        raise VesicaError("The ffmpeg program is missing; install it with 'pip install imageio-ffmpeg'.") from fault


def unnamed(data: bytes = b"") -> IO[bytes]:
    """A file without a name that holds ``data``; it is gone with the last process that has it open."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # who asked for it closes it
    file.write(data)
    file.flush()
    file.seek(0)
    return file


def source(file: IO[bytes], decoder: str = "") -> list[str]:
    """Arguments that make a person's file an input."""
    limits = ["-max_pixels", str(8192 * 8192), "-max_streams", "16", "-probesize", "20M", "-analyzeduration", "20M"]
    return [
        *("-protocol_whitelist", "fd", "-format_whitelist", DEMUXERS, "-codec_whitelist", DECODERS, *limits),
        *(("-c:V", decoder) if decoder else ()),
        *("-threads", "2", "-fd", str(file.fileno()), "-i", "fd:"),
    ]


class Ended(Exception):
    """ffmpeg ended with a fault; what it said is the text."""


@contextlib.contextmanager
def running(
    arguments: Sequence[str],
    files: Sequence[IO[bytes]],
    *,
    said: list[str] | None = None,
    seconds: float | None = SECONDS,
) -> Iterator["subprocess.Popen[bytes]"]:
    """ffmpeg at work, its standard input and output as pipes; killed where the block is left early or time runs out.

    said : gets what it wrote on standard error
    seconds : of wall time that it may take; None where something else bounds it
    """
    with unnamed() as errors:
        process = subprocess.Popen(
            [program(), "-hide_banner", "-nostats", "-y", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            pass_fds=[file.fileno() for file in files],
        )
        over = threading.Event()

        def stop() -> None:
            over.set()
            process.kill()

        late = threading.Timer(seconds or 0, stop)
        late.daemon = True
        if seconds is not None:
            late.start()
        try:
            yield process
            assert process.stdin and process.stdout
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.read()
            process.wait()
        finally:
            late.cancel()
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    if pipe:
                        pipe.close()
        errors.seek(0)
        told = errors.read(1 << 20).decode("utf-8", "replace")
        if said is not None:
            said.append(told)
        if over.is_set():
            raise VesicaError("The video took too long to work through; give a shorter or a smaller one.")
        if process.returncode:
            raise Ended(told)


def run(arguments: Sequence[str], files: Sequence[IO[bytes]] = (), *, seconds: float = SECONDS) -> tuple[bytes, str]:
    """What ffmpeg writes on its standard output and on standard error."""
    said: list[str] = []
    with running(arguments, files, said=said, seconds=seconds) as process:
        assert process.stdin and process.stdout
        process.stdin.close()
        out = process.stdout.read()
    return out, said[0]


def lines(told: str, pattern: str) -> list["re.Match[str]"]:
    """Where a pattern stands in what ffmpeg said."""
    return [found for line in told.splitlines() if (found := re.search(pattern, line))]
