"""Writing videos: frames go straight into ffmpeg, so that a long video takes no more memory than a short one."""

from collections.abc import Iterable
from fractions import Fraction

from vesica.errors import VesicaError
from vesica.image.pictures import Picture, check_picture
from vesica.video import ffmpeg, mp4
from vesica.video.clip import Video, check_size
from vesica.video.reading import BARE, ENCODE, SCALER, USUAL


def write_video(frames: Iterable[Picture], fps: Fraction | int, *, sound_of: Video | None = None) -> Video:
    """A video of ``frames``, the same bytes every time with the same ffmpeg.

    Parameters
    ----------
    frames : uint8 [height, width, 3], all of one size with even sides; taken one at a time
    fps : frames a second, 1 to 60
    sound_of : a video whose sound goes along, as it is

    Whatever ends ``frames`` early (``Cancelled``) ends ffmpeg too.
    """
    coming = iter(frames)
    first = next(coming, None)
    if first is None:
        raise VesicaError("A video needs at least one frame.")
    check_picture(first, name="A frame")
    height, width = first.shape[:2]
    check_size(width, height)
    if height % 2 or width % 2:
        raise VesicaError(f"A video's sides are even numbers of pixels; this one has {width} x {height}.")
    fps, count = Fraction(fps), 0
    with ffmpeg.unnamed() as out, ffmpeg.unnamed(sound_of.data if sound_of else b"") as heard:
        sound = sound_of is not None and sound_of.sound
        arguments = [
            *("-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}"),
            *("-framerate", str(fps), "-i", "pipe:0", *(ffmpeg.source(heard) if sound else ())),
            *("-map", "0:v:0", *(("-map", "1:a:0", "-c:a", "copy") if sound else ())),
            *("-vf", f"scale=out_color_matrix=bt709:out_range=tv:flags={SCALER},{USUAL}", *ENCODE),
            *(*BARE, "-fd", str(out.fileno()), "fd:"),
        ]
        try:
            with ffmpeg.running(arguments, [out, heard], seconds=None) as process:
                assert process.stdin
                frame: Picture | None = first
                while frame is not None:
                    if frame.shape != first.shape:
                        raise VesicaError("All frames of a video have one size; these have not.")
                    process.stdin.write(frame.tobytes())
                    count += 1
                    frame = next(coming, None)
        except BrokenPipeError as fault:
            raise VesicaError("The video could not be written; there may be too little memory or disk.") from fault
        except ffmpeg.Ended as fault:
            raise VesicaError(f"The video could not be written: {' '.join(str(fault).split())[:200]}.") from fault
        out.seek(0)
        data = mp4.finished(out.read())
    return Video(data, width, height, fps, count, sound)


def write_gif(video: Video) -> bytes:
    """The video as a GIF that loops for ever: 256 colours for all frames, chosen from what moves; no sound."""
    with ffmpeg.unnamed(video.data) as file:
        reading = [*("-loglevel", "error", "-nostdin"), *ffmpeg.source(file)]
        try:
            # In two runs: in one, ffmpeg would hold every frame until the colours are chosen.
            palette, _ = ffmpeg.run(
                [
                    *(*reading, "-vf", "palettegen=stats_mode=diff:reserve_transparent=0"),
                    *("-f", "image2pipe", "-c:v", "png", "-fflags", "+bitexact", "pipe:1"),
                ],
                [file],
            )
            file.seek(0)
            with ffmpeg.unnamed(palette) as colours, ffmpeg.unnamed() as out:
                painted = "[0:V:0][1:v:0]paletteuse=dither=bayer:bayer_scale=3:diff_mode=rectangle"
                chosen = ["-f", "png_pipe", "-fd", str(colours.fileno()), "-i", "fd:"]
                written = ["-fflags", "+bitexact", "-f", "gif", "-loop", "0", "-fd", str(out.fileno()), "fd:"]
                ffmpeg.run([*reading, *chosen, "-lavfi", painted, *written], [file, colours, out])
                out.seek(0)
                return out.read()
        except ffmpeg.Ended as fault:
            raise VesicaError(ffmpeg.BROKEN) from fault
