"""Videos as a medium: read from any usual file, written the same each time, frames with authors, credentials inside."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import encypher_c2pa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vesica.authorship import frames as authorship
from vesica.authorship.text import Runs
from vesica.errors import Cancelled, VesicaError
from vesica.export.facts import IPTC
from vesica.export.marks.formats import marked
from vesica.export.marks.source import said
from vesica.export.verdict import read as read_credential
from vesica.image.pictures import Picture
from vesica.media import craft, sniff
from vesica.studio import Studio
from vesica.video import ffmpeg, mp4, reading
from vesica.video.clip import Video
from vesica.video.reading import digests, frames, read_video
from vesica.video.writing import write_gif, write_video
from vesica.work import Edited, Imported

Run = Callable[..., tuple[int, str, str]]


def moving(count: int = 12, height: int = 48, width: int = 64, seed: int = 0) -> list[Picture]:
    """Patches that move to the right, two pixels a frame."""
    patches = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3)).astype(np.uint8)
    still = patches.repeat(8, 0).repeat(8, 1)
    return [np.roll(still, 2 * place, 1) for place in range(count)]


def made(*arguments: str, frames_: list[Picture] | None = None, fps: int = 24) -> bytes:
    """A file that ffmpeg makes of moving patches by its own arguments, as other programs would."""
    shown = moving() if frames_ is None else frames_
    height, width = shown[0].shape[:2]
    with ffmpeg.unnamed(b"".join(frame.tobytes() for frame in shown)) as raw, ffmpeg.unnamed() as out:
        reads = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps)]
        command = [*("-v", "error", *reads, "-fd", str(raw.fileno()), "-i", "fd:"), *arguments]
        ffmpeg.run([*command, "-fd", str(out.fileno()), "fd:"], [raw, out])
        out.seek(0)
        return out.read()


TONE = ("-f", "lavfi", "-i", "sine=frequency=440:duration=0.5:sample_rate=44100", "-shortest")


@pytest.fixture(scope="module")
def video() -> Video:
    return write_video(moving(), 24)


@pytest.fixture(scope="module")
def sounding() -> bytes:
    return made(*TONE, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "mp4")


def test_the_same_frames_give_the_same_bytes_and_no_dates_or_names(video: Video) -> None:
    time.sleep(1.1)  # a date would be another second by now
    assert write_video(iter(moving()), Fraction(24)).data == video.data
    assert (video.width, video.height, video.fps, video.count, video.sound) == (64, 48, 24, 12, False)
    assert b"Lavf" not in video.data and video.data.index(b"moov") < video.data.index(b"mdat")


def test_a_plain_file_is_taken_as_it_is_to_the_byte(video: Video) -> None:
    assert read_video(video.data) == video


def test_frames_come_back_in_order_and_nearly_as_they_were(video: Video) -> None:
    calm = [np.asarray(Image.fromarray(one).resize((16, 12)).resize((64, 48))) for one in moving()]
    for before, after in zip(calm, frames(write_video(calm, 24)), strict=True):
        assert np.abs(before.astype(int) - after).mean() < 6
    assert len({*digests(video)}) == len(digests(video)) == 12
    assert [one.shape for one in frames(video, size=(32, 24))] == [(24, 32, 3)] * 12


def test_colours_stay_through_writing_and_reading() -> None:
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (255, 255, 255), (0, 0, 0), (200, 120, 40)):
        flat = np.full((16, 16, 3), colour, np.uint8)
        (back,) = frames(write_video([flat], 25))
        assert np.abs(back.astype(int) - flat).max() <= 3, colour


def test_writing_stops_when_frames_do_and_ffmpeg_is_gone() -> None:
    def coming() -> Iterator[Picture]:
        yield from moving(3)
        raise Cancelled

    with pytest.raises(Cancelled):
        write_video(coming(), 24)
    assert not [one for one in children() if "ffmpeg" in one]


def children() -> list[str]:
    listed = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True)
    return listed.stdout.splitlines()


def test_reading_stops_when_nobody_asks_for_more(video: Video) -> None:
    coming = frames(video)
    next(coming)
    coming.close()
    assert not [one for one in children() if "ffmpeg" in one]


def test_long_videos_take_no_more_memory_than_short_ones() -> None:
    script = (
        "import resource, numpy as np\n"
        "from vesica.video.reading import frames\nfrom vesica.video.writing import write_video\n"
        "still = np.zeros((64, 64, 3), np.uint8)\n"
        "def peak(count):\n"
        "    assert sum(1 for _ in frames(write_video((still for _ in range(count)), 60))) == count\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "few, many = peak(20), peak(4000)\n"  # 4000 such frames are 49 MB
        "assert many - few < 24_000, (few, many)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=300)


# What comes in


ODD = {
    "webm": ("-c:v", "libvpx-vp9", "-f", "webm"),
    "matroska": ("-c:v", "ffv1", "-f", "matroska"),
    "avi": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-f", "avi"),
    "mov of 10 bits": ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-f", "mov"),
    "hevc": ("-c:v", "libx265", "-x265-params", "log-level=none", "-f", "mp4"),
    "fragments": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"),
    "4:4:4": ("-c:v", "libx264", "-pix_fmt", "yuv444p", "-f", "mp4"),
}


@pytest.mark.parametrize("kind", ODD)
def test_usual_files_become_plain_ones(kind: str) -> None:
    found = read_video(made(*ODD[kind]))
    assert (found.width, found.height, found.fps, found.count) == (64, 48, 24, 12), found.remarks
    assert read_video(found.data) == found
    (first, *_) = frames(found)
    assert np.abs(first.astype(int) - moving()[0]).mean() < 16


def test_a_gif_becomes_a_video_and_a_video_a_gif(video: Video) -> None:
    drawn = write_gif(video)
    assert drawn == write_gif(video)
    with Image.open(io.BytesIO(drawn)) as opened:
        assert opened.n_frames == 12 and opened.info["loop"] == 0
    assert (read_video(drawn).width, read_video(drawn).count) == (64, pytest.approx(12, abs=1))


def test_a_webp_that_moves_becomes_a_video() -> None:
    first, *rest = [Image.fromarray(one) for one in moving()]
    file = io.BytesIO()
    first.save(file, "WEBP", save_all=True, append_images=rest, duration=40, loop=0, lossless=True)
    came = read_video(file.getvalue())
    assert (came.width, came.height, came.fps, came.count, came.remarks) == (64, 48, 25, 12, ())
    with pytest.raises(VesicaError):
        read_video(file.getvalue()[: len(file.getvalue()) // 40])


def test_a_gif_is_a_picture_or_a_video_as_the_work_wants_it(studio: Studio, tmp_path: Path, video: Video) -> None:
    (tmp_path / "clip.gif").write_bytes(write_gif(video))
    (tmp_path / "clip.mp4").write_bytes(video.data)
    assert sniff(write_gif(video), "clip.gif")[0] == "image"
    for name, wanted in (("still", None), ("moving", "video")):
        studio.new(name)
        studio.import_file(name, tmp_path / "clip.gif", wanted=wanted)
    assert [studio.work(name).content.type for name in ("still", "moving")] == ["image/gif", "video/mp4"]
    with pytest.raises(VesicaError, match="of medium video, but still is of medium image"):
        studio.import_file("still", tmp_path / "clip.mp4")
    studio.import_file("moving", tmp_path / "clip.mp4")
    assert studio.edit("moving", tmp_path / "clip.gif").content.type == "video/mp4"


def test_sound_is_kept_as_it_is_and_goes_along(sounding: bytes) -> None:
    came = read_video(sounding)
    assert came.sound
    changed = write_video(moving(seed=3), came.fps, sound_of=came)
    assert changed.sound and reading.sound_digest(changed) == reading.sound_digest(came) != ""
    assert not write_video(moving(), 24, sound_of=write_video(moving(), 24)).sound


def test_other_sound_becomes_aac() -> None:
    came = read_video(made(*TONE, "-c:v", "ffv1", "-c:a", "pcm_s16le", "-f", "matroska"))
    assert came.sound and b"mp4a" in came.data


def test_an_uneven_pace_is_made_even_and_said() -> None:
    uneven = made("-vf", "select='not(between(mod(n,6),1,3))'", "-fps_mode", "vfr", "-c:v", "libx264", "-f", "mp4")
    came = read_video(uneven)
    assert came.fps in reading.RATES and abs(came.seconds - Fraction(1, 2)) < Fraction(1, 8)
    assert any("uneven" in one for one in came.remarks)
    assert read_video(came.data).remarks == came.remarks
    assert "uneven" in craft("video").describe(came)


def test_a_turned_video_stands_upright() -> None:
    flat = made("-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "mp4")
    with ffmpeg.unnamed(flat) as file, ffmpeg.unnamed() as out:
        turn = ["-v", "error", "-display_rotation", "90", "-fd", str(file.fileno()), "-i", "fd:", "-c", "copy"]
        ffmpeg.run([*turn, "-f", "mp4", "-fd", str(out.fileno()), "fd:"], [file, out])
        out.seek(0)
        came = read_video(out.read())
    assert (came.width, came.height) == (48, 64) and any("upright" in one for one in came.remarks)
    (first, *_) = frames(came)
    turned = np.rot90(moving()[0])
    assert np.abs(first.astype(int) - turned).mean() < 16 < np.abs(first.astype(int) - turned[::-1, ::-1]).mean()


def test_odd_sides_become_even() -> None:
    came = read_video(made("-vf", "crop=63:47:0:0", "-c:v", "ffv1", "-f", "matroska"))
    assert (came.width, came.height) == (62, 46) and any("even" in one for one in came.remarks)


def test_pixels_become_square() -> None:
    came = read_video(made("-vf", "setsar=2", "-c:v", "libx264", "-f", "mp4"))
    assert (came.width, came.height) == (128, 48)


def test_what_is_transparent_becomes_white() -> None:
    half = ("-vf", "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(lt(X,32),0,255)'")
    for coded in (("-c:v", "qtrle", "-f", "mov"), ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-f", "webm")):
        came = read_video(made(*half, *coded))
        (first, *_) = frames(came)
        assert first[:, :28].min() > 245 and first[:, 36:].min() < 200, coded


def test_high_dynamic_range_is_brought_down() -> None:
    pq = ("-vf", "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv")
    came = read_video(made(*pq, "-c:v", "libx265", "-x265-params", "log-level=none", "-f", "mp4"))
    assert any("dynamic" in one for one in came.remarks) and came.count == 12
    assert 10 < np.mean([one.mean() for one in frames(came)]) < 245


def test_one_frame_is_a_video() -> None:
    assert write_video(moving(1), 24).count == 1
    assert read_video(made("-c:v", "mjpeg", "-f", "avi", frames_=moving(1))).count == 1


def test_faster_than_players_is_made_slower() -> None:
    came = read_video(made("-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "mp4", fps=120, frames_=moving(24)))
    assert came.fps == 60 and came.remarks


def test_tags_and_places_are_left_behind() -> None:
    tagged = made("-c:v", "libx264", "-pix_fmt", "yuv420p", "-metadata", "comment=at my house", "-f", "mp4")
    assert b"my house" in tagged
    came = read_video(tagged)
    assert b"my house" not in came.data
    assert digests(came)  # its frames are the same ones, not coded anew
    assert len(came.data) < len(tagged) + 200


PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile /etc/hostname\n"
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n"


@pytest.mark.parametrize(
    "data", [PLAYLIST, CONCAT, SDP, b"", b"RIFF\0\0\0\0AVI ", b"\x1a\x45\xdf\xa3webm", b"\0" * 4000]
)
def test_what_is_no_video_is_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(VesicaError, match=r"[.]$"):
        read_video(data)


def test_a_cut_or_damaged_file_is_refused_in_a_sentence(video: Video, sounding: bytes) -> None:
    for data in (video.data, sounding):
        for end in (20, len(data) // 3, len(data) - 5):
            with pytest.raises(VesicaError):
                read_video(data[:end])
    middle = video.data.index(b"mdat") + 900
    broken = video.data[:middle] + bytes(len(video.data) - middle)
    with pytest.raises(VesicaError, match="damaged"):
        craft("video").fresh(read_video(broken), "t")


def test_too_large_and_too_long_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = made("-vf", "scale=4200:16", "-c:v", "libx264", "-frames:v", "1", "-f", "mp4")
    with pytest.raises(VesicaError, match="scale it"):
        read_video(wide)
    monkeypatch.setattr("vesica.video.clip.MOST_FRAMES", 10)
    with pytest.raises(VesicaError, match="cut it"):
        read_video(made("-c:v", "ffv1", "-f", "matroska"))
    with pytest.raises(VesicaError, match="cut it"):
        read_video(write_video(moving(), 24).data)


@settings(max_examples=200)
@given(st.data())
def test_any_change_of_the_boxes_is_a_sentence_or_a_video(video: Video, data: st.DataObject) -> None:
    head = video.data.index(b"mdat")
    bent = bytearray(video.data)
    for place in data.draw(st.lists(st.integers(0, head), min_size=1, max_size=6)):
        bent[place] = data.draw(st.integers(0, 255))
    try:
        mp4.plain(bytes(bent))
    except VesicaError as fault:
        assert "\n" not in str(fault)


def test_boxes_in_boxes_without_end_are_no_video() -> None:
    inside = b""
    for _ in range(3000):
        inside = (len(inside) + 8).to_bytes(4, "big") + b"trak" + inside
    moov = (len(inside) + 8).to_bytes(4, "big") + b"moov" + inside
    assert mp4.plain(b"\0\0\0\x10ftypisom\0\0\0\0" + moov + b"\0\0\0\x08mdat") is None


@pytest.mark.parametrize(
    ("data", "name", "type_"),
    [
        (b"\0\0\0\x20ftypisom", "a.mp4", "video/mp4"),
        (b"\0\0\0\x14ftypqt  ", "a.mov", "video/quicktime"),
        (b"\0\0\0\x08wide\0\0\0\x08mdat", "a.mov", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3....webm", "a.webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3....matroska", "a.mkv", "video/x-matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "a.avi", "video/x-msvideo"),
    ],
)
def test_videos_are_told_by_their_first_bytes(data: bytes, name: str, type_: str) -> None:
    assert sniff(data, name) == ("video", type_)


@pytest.mark.parametrize(
    ("data", "name"), [(b"\0\0\0\x1cftypM4A ", "a.m4a"), (b"\0\0\0\x1cftypheic", "a.heic"), (b"abc", "a.mp4")]
)
def test_what_only_looks_like_a_video_is_none(data: bytes, name: str) -> None:
    with pytest.raises(VesicaError):
        sniff(data, name)


# Authors


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30), st.data())
def test_frames_that_stay_keep_their_author_and_others_are_the_turns(old: list[str], data: st.DataObject) -> None:
    new = [one if data.draw(st.booleans()) else "new" + str(at) for at, one in enumerate(old)]
    after = authorship.edit(old, authorship.fresh(len(old), "ada"), new, "bob")
    assert len(after) == len(new)
    changed = [turn for length, _, turn in after.runs for _ in range(length)]
    assert changed == ["ada" if one == two else "bob" for one, two in zip(old, new, strict=True)]
    assert {origin for _, origin, _ in after.runs} == {"ada"}
    assert Runs.from_bytes(after.to_bytes(authorship.SCHEMA), authorship.SCHEMA) == after
    middles = authorship.turns_at(after, len(new), changed=True)
    assert middles == changed


def test_frames_that_are_cut_out_take_their_author_along() -> None:
    old = [f"frame {at}" for at in range(60)]
    runs = Runs.of([(30, "ada", "ada"), (30, "bob", "bob")])
    after = authorship.edit(old, runs, [*old[10:50], "title"], "cy")
    assert after.runs == ((20, "ada", "ada"), (20, "bob", "bob"), (1, "cy", "cy"))


def test_a_video_lives_in_a_studio_as_other_works_do(studio: Studio, tmp_path: Path, video: Video) -> None:
    (tmp_path / "clip.mp4").write_bytes(video.data)
    studio.new("clip")
    work = studio.import_file("clip", tmp_path / "clip.mp4", rights="own")
    assert work.content and work.content.type == "video/mp4"
    assert list(studio.authors(work).values()) == [(12, 12)]
    assert studio.lock("clip", "frames 3-4").locked == ("frames 3-4",)
    (tmp_path / "other.mp4").write_bytes(write_video(moving(seed=9), 24).data)
    with pytest.raises(VesicaError, match="release"):
        studio.edit("clip", tmp_path / "other.mp4")
    studio.lock("clip", "frames 3-4", off=True)
    work = studio.edit("clip", tmp_path / "other.mp4")
    imported, edited = (turn for _, turn in studio.log("clip") if isinstance(turn.act, Imported | Edited))
    assert studio.authors(work) == {imported.id: (12, 0), edited.id: (0, 12)}
    assert not studio.verify()


@pytest.mark.parametrize(("name", "type_"), [("sea.mp4", "video/mp4"), ("sea.gif", "image/gif")])
def test_two_verifiers_find_the_credential_in_what_leaves(
    studio: Studio, tmp_path: Path, video: Video, name: str, type_: str
) -> None:
    (tmp_path / "clip.mp4").write_bytes(video.data)
    studio.new("sea")
    studio.import_file("sea", tmp_path / "clip.mp4")
    written = studio.export("sea", tmp_path / name, authors=True)
    assert len(written) == 5
    data = written[0].read_bytes()
    assert read_credential(data, type_).state == "valid"
    told = encypher_c2pa.verify(
        data, type_, trust_pem=studio.signer().root_pem.decode(), no_default_trust=True, telemetry=False
    )
    assert told["validation_state"] == "Trusted"
    # One byte of a frame, not of the credential.
    at = data.index(b"mdat") + 40 if type_ == "video/mp4" else len(data) - 60
    bent = bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]])
    assert read_credential(bent, type_).state == "invalid"
    if type_ == "video/mp4":
        assert digests(read_video(data)) == digests(video)
        with pytest.raises(VesicaError, match="nothing to bring back"):
            studio.edit("sea", written[0])
    page = written[1].read_text()
    assert "12 frames" in page and "data:image/webp" in page


def test_the_mark_stands_in_the_file_and_plays_the_same_frames(video: Video) -> None:
    source = IPTC + "trainedAlgorithmicMedia"
    told = marked(video.data, "video/mp4", source)
    assert said(told) == (source,) and marked(told, "video/mp4", source) == told
    with ffmpeg.unnamed(told) as file:
        reads = ["-export_xmp", "1", "-fd", str(file.fileno()), "-i", "fd:"]
        seen, _ = ffmpeg.run([*reads, "-f", "ffmetadata", "-"], [file])
    assert re.search(rb"xmp=.*trainedAlgorithmicMedia", seen)
    assert digests(read_video(told)) == digests(video)
    drawn = write_gif(video)
    with_mark = marked(drawn, "image/gif", source)
    assert said(with_mark) == (source,)
    with Image.open(io.BytesIO(with_mark)) as opened:
        assert opened.n_frames == 12 and opened.info["loop"] == 0
    assert digests(read_video(with_mark)) == digests(read_video(drawn))


@given(st.binary(max_size=80))
def test_what_can_not_be_parsed_is_left_or_marked_but_never_fails(data: bytes) -> None:
    for start, type_ in ((b"\0\0\0\x10ftyp", "video/mp4"), (b"GIF89a", "image/gif"), (b"", "video/mp4")):
        assert isinstance(marked(start + data, type_, IPTC + "trainedAlgorithmicMedia"), bytes)


def test_the_command_line_shows_a_video(run: Run, tmp_path: Path, sounding: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(sounding)
    assert run("new", "sea")[0] == 0
    assert run("import", "sea", "clip.mp4")[0] == 0
    code, out, _ = run("show", "sea", "--authors")
    assert (
        code == 0
        and "64 by 48 pixels, 24 frames a second" in out
        and "with sound" in out
        and "Frames, as observed" in out
    )
    (tmp_path / "broken.mp4").write_bytes(sounding[:700])
    code, _, err = run("import", "sea", "broken.mp4")
    assert code == 2 and err.count("\n") == 1 and "cut short" in err


def test_ffmpeg_dies_with_its_process() -> None:
    script = (
        "import itertools, time, numpy as np\nfrom vesica.video.writing import write_video\n"
        "def coming():\n    yield np.zeros((64, 64, 3), np.uint8)\n    print('on', flush=True)\n    time.sleep(60)\n"
        "write_video(coming(), 24)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    for _ in range(100):
        if not subprocess.run(
            ["ps", "-s", str(process.pid), "-o", "pid="], capture_output=True, text=True
        ).stdout.strip():
            return
        time.sleep(0.1)
    raise AssertionError("ffmpeg outlives its process")
