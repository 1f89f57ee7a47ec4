"""Flow, steadiness, and the engines that make videos."""

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from test_video import made as filmed
from vesica.errors import Cancelled, VesicaError
from vesica.image.pictures import Picture, read_picture, resize
from vesica.studio import Studio
from vesica.video.clip import Video
from vesica.video.dream import _clouds, _course, _opened, dream
from vesica.video.flow import motion, warped, warping_error
from vesica.video.paint import steadied
from vesica.video.params import DreamParams
from vesica.video.reading import frames, read_video, sound_digest
from vesica.video.stabilise import stabilised
from vesica.video.writing import write_gif, write_video
from vesica.work import Step

Run = Callable[..., tuple[int, str, str]]

QUICK = DreamParams(seconds=0.5, fps=8, size=64, octaves=2)
PHOTO = Path(__file__).parent.parent / "examples" / "photo.jpg"


@cache
def photo() -> Picture:
    return read_picture(PHOTO.read_bytes())


def pan(count: int, height: int = 96, width: int = 128, step: float = 1.5) -> list[Picture]:
    """A camera moves over a photograph, and a ball in front of it the other way: parallax, hiding and showing."""
    ground, found = resize(photo(), 400), []
    ball = np.asarray(resize(photo(), 500)[100:130, 150:180])
    down, right = np.mgrid[:30, :30]
    round_ = np.hypot(down - 14.5, right - 14.5) < 14
    for place in range(count):
        moved = np.float32([[1, 0, -40 - step * place], [0, 1, -40 - 0.4 * step * place]])
        frame = cv2.warpAffine(ground, moved, (width, height), flags=cv2.INTER_CUBIC)
        left = round(80 - 2 * step * place)
        frame[30:60, left : left + 30][round_] = ball[round_]
        found.append(frame)
    return found


@pytest.fixture(scope="module")
def clip() -> Video:
    return write_video([cv2.resize(one, (64, 48), interpolation=cv2.INTER_AREA) for one in pan(5)], 8)


# Flow


@settings(max_examples=15)
@given(right=st.integers(-5, 5), down=st.integers(-5, 5))
def test_a_shift_is_found(right: int, down: int) -> None:
    ground = resize(photo(), 300)
    one = ground[20:148, 40:200]
    two = ground[20 + down : 148 + down, 40 + right : 200 + right]
    found = motion(one, two)
    inner = found.back[16:-16, 16:-16]
    assert np.abs(np.median(inner[..., 0]) - right) < 0.3 and np.abs(np.median(inner[..., 1]) - down) < 0.3
    assert not found.cut
    assert warping_error(one, two, found)[0] / warping_error(one, two, found)[1] < 0.02


def test_what_was_hidden_is_not_called_seen() -> None:
    one, two = pan(2, step=6)
    found = motion(one, two)
    # Right of where the ball was and no longer is, nobody knew what lay behind it.
    left = 80 - 12
    uncovered, elsewhere = found.sure[38:52, left + 30 : left + 36], found.sure[70:90, 10:60]
    assert uncovered.mean() < 0.4 < 0.95 < elsewhere.mean()


def test_a_cut_is_found_and_a_moving_camera_is_none() -> None:
    shown = pan(6, step=4)
    assert not any(motion(one, two).cut for one, two in itertools.pairwise(shown))
    assert motion(shown[0], 255 - shown[1]).cut
    assert motion(shown[0], np.random.default_rng(0).integers(0, 255, shown[0].shape).astype(np.uint8)).cut


def test_motion_does_not_depend_on_the_threads_of_opencv() -> None:
    one, two = pan(2)
    before, found = cv2.getNumThreads(), []
    try:
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            found.append(motion(one, two).back.tobytes())
            assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)
    assert len({*found}) == 1


def test_nothing_moves_where_nothing_moves() -> None:
    still = pan(1)[0]
    assert np.abs(motion(still, still).back).max() < 0.1
    assert np.allclose(warped(still, np.zeros((*still.shape[:2], 2), np.float32)), still)


# Steadiness


def flickering(frame: Picture) -> Picture:
    """Painting that begins anew with every frame: strokes of noise over colours of the picture."""
    noise = np.random.default_rng(int(frame.astype(np.uint32).sum())).normal(0, 40, frame.shape)
    return (frame + cv2.GaussianBlur(noise, (0, 0), 1.0) * 2).clip(0, 255).astype(np.uint8)


def error(shown: list[Picture], painted: list[Picture]) -> float:
    found = [
        warping_error(painted[at - 1], painted[at], motion(shown[at - 1], shown[at])) for at in range(1, len(shown))
    ]
    return sum(one for one, _ in found) / sum(weight for _, weight in found)


def test_a_steadied_painting_flickers_less_than_half_as_much_and_keeps_its_strokes() -> None:
    shown = pan(10)
    alone = [flickering(one) for one in shown]
    steady = list(steadied(iter(shown), flickering, 0.8))
    assert error(shown, steady) < 0.5 * error(shown, alone)
    strokes = [cv2.Laplacian(one[-1].astype(np.float32), cv2.CV_32F).std() for one in (alone, steady)]
    assert strokes[1] > 0.6 * strokes[0]


def test_without_steadiness_each_frame_is_painted_alone() -> None:
    shown = pan(3)
    assert all(
        np.array_equal(flickering(one), two)
        for one, two in zip(shown, steadied(iter(shown), flickering, 0.0), strict=True)
    )


def test_a_new_scene_keeps_nothing_of_the_last() -> None:
    shown = [*pan(3), *(255 - one for one in pan(3))]
    steady = list(steadied(iter(shown), flickering, 0.9))
    assert np.array_equal(steady[3], flickering(shown[3]))


def test_frames_are_taken_one_at_a_time() -> None:
    taken: list[int] = []

    def coming():  # type: ignore[no-untyped-def]
        for place, frame in enumerate(pan(4)):
            taken.append(place)
            yield frame

    for number, (_, made) in enumerate(stabilised(coming(), lambda frame, _: frame.astype(np.float32))):
        assert len(taken) == number + 1 and made.dtype == np.float32


# Dreams


MODES = ("zoom", "morph", "clip")


def made(mode: str, clip: Video, seed: int = 7, **more: object) -> Video:
    given = {"clip": clip} if mode == "clip" else {"picture": resize(photo(), 96)}
    return dream(params=replace(QUICK, mode=mode), seed=seed, **given, **more)  # type: ignore[arg-type]


AGAIN = """
import hashlib, sys, torch
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[1])))
from test_video_engines import MODES, made, pan
from vesica.video.reading import read_video
torch.set_num_threads(int(sys.argv[2]))
clip = read_video(sys.stdin.buffer.read())
print(hashlib.sha256(b"".join(made(mode, clip).data for mode in MODES)).hexdigest())
"""


@pytest.fixture(scope="module")
def dreams(clip: Video) -> dict[str, Video]:
    return {mode: made(mode, clip) for mode in MODES}


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bytes_on_one_thread_and_on_two(
    dreams: dict[str, Video], clip: Video, threads: int
) -> None:
    ours = hashlib.sha256(b"".join(dreams[mode].data for mode in MODES)).hexdigest()
    command = [sys.executable, "-c", AGAIN, str(Path(__file__).parent), str(threads)]
    theirs = subprocess.run(command, input=clip.data, capture_output=True, check=True, env=dict(os.environ))
    assert theirs.stdout.decode().strip() == ours


def test_another_seed_gives_another_dream(dreams: dict[str, Video], clip: Video) -> None:
    for mode in MODES:
        assert made(mode, clip, seed=8).data != dreams[mode].data


def test_a_dream_has_the_length_that_was_asked_for_and_the_pictures_shape(
    dreams: dict[str, Video], clip: Video
) -> None:
    for mode in ("zoom", "morph"):
        assert (dreams[mode].count, dreams[mode].fps) == (4, 8) and max(dreams[mode].width, dreams[mode].height) == 64
    over = dreams["clip"]
    assert (over.count, over.fps, over.width, over.height) == (clip.count, clip.fps, clip.width, clip.height)


def test_a_zoom_begins_with_the_picture_and_goes_on_into_it(dreams: dict[str, Video]) -> None:
    first, *_, last = frames(dreams["zoom"])
    still = resize(photo(), 64)[: first.shape[0], : first.shape[1]]
    assert np.abs(first.astype(int) - still).mean() < 12 < np.abs(last.astype(int) - first).mean()


def test_a_long_zoom_keeps_its_light_and_its_detail() -> None:
    long = dream(params=replace(QUICK, seconds=8, mode="zoom"), seed=1, picture=resize(photo(), 96))
    shown = list(frames(long))
    early, late = np.array(shown[16:24], float), np.array(shown[-8:], float)
    assert 0.6 < late.std() / early.std() < 1.6
    detail = [np.mean([cv2.Laplacian(one, cv2.CV_64F).std() for one in part]) for part in (early, late)]
    assert 0.5 < detail[1] / detail[0] < 2  # neither fog nor noise
    assert abs(late.mean() - shown[0].mean()) < 30


def test_a_morph_ends_in_the_other_picture_and_a_loop_where_it_began(clip: Video) -> None:
    other = 255 - resize(photo(), 96)
    there = [one.astype(int) for one in frames(made("morph", clip, other=other))]
    first, last = (
        np.abs(there[-1] - cv2.resize(one, there[0].shape[1::-1])).mean() for one in (resize(photo(), 96), other)
    )
    assert last < first
    assert [_course(at, 8, loop=True) for at in (0, 4)] == [0, 1]
    steps = [_course(at, 8, loop=True) for at in range(9)]
    assert steps[8] == pytest.approx(steps[0])


@given(share=st.floats(0, 1))
def test_a_morph_is_mostly_one_picture_or_the_other_everywhere(share: float) -> None:
    opened = _opened(_clouds(32, 32, 3), share).numpy()
    assert ((opened > 0.02) & (opened < 0.98)).mean() < 0.3
    assert abs(opened.mean() - share) < 0.15


def test_inputs_stay_as_they_are_and_every_frame_is_shown(clip: Video) -> None:
    picture, told = resize(photo(), 96), list[Step]()
    picture.setflags(write=False)
    video = dream(params=replace(QUICK, mode="zoom"), seed=1, picture=picture, progress=told.append)
    done = [step.done for step in told]
    assert done == sorted(done) and done[-1] == told[-1].total == video.count
    assert all(step.preview.dtype == np.uint8 and step.preview.ndim == 3 for step in told)


@pytest.mark.parametrize("mode", MODES)
def test_a_dream_stops_at_the_step_at_which_it_is_cancelled(mode: str, clip: Video) -> None:
    told = []

    def stop(step: Step) -> None:
        told.append(step.done)
        if len(told) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        made(mode, clip, progress=stop)
    assert len(told) == 3


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"mode": "clip"}, "--clip"),
        ({"mode": "zoom"}, "--picture"),
        ({"mode": "morph"}, "--picture"),
        ({"look_for": "b99"}, "no layer"),
    ],
)
def test_what_is_missing_or_unknown_is_said(params: dict[str, str], said: str) -> None:
    given = {"picture": resize(photo(), 96)} if "look_for" in params else {}
    with pytest.raises(VesicaError, match=said):
        dream(params=replace(QUICK, **params), seed=1, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", MODES)
def test_where_a_mask_is_black_nothing_is_dreamt(dreams: dict[str, Video], clip: Video, mode: str) -> None:
    mask = np.zeros((96, 128, 3), np.uint8)
    mask[:, 64:] = 255
    given = {"clip": clip} if mode == "clip" else {"picture": cv2.resize(photo(), (96, 72))}
    params = replace(QUICK, mode=mode, feather=0, turn=0)
    masked, plain, none = (
        np.array([*frames(dream(params=params, seed=7, mask=where, **given))], int)  # type: ignore[arg-type]
        for where in (mask, None, np.zeros_like(mask))
    )
    left, right = slice(0, masked.shape[2] // 2 - 4), slice(masked.shape[2] // 2 + 4, None)
    dreamt = np.abs(plain - none).mean((0, 1, 3))
    assert dreamt[left].mean() > 6 and dreamt[right].mean() > 6
    assert np.abs(masked - none)[:, :, left].mean() < 0.35 * dreamt[left].mean()
    assert np.abs(masked - none)[:, :, right].mean() > 0.6 * dreamt[right].mean()
    if mode == "clip":
        assert np.abs(none - np.array([*frames(clip)], int)).mean() < 3


def test_a_mask_of_another_shape_is_refused_before_anything_is_dreamt(clip: Video) -> None:
    for mode in MODES:
        with pytest.raises(VesicaError, match="paint the mask in the picture's shape"):
            made(mode, clip, mask=np.zeros((50, 90, 3), np.uint8))


def test_a_dream_over_a_clip_keeps_its_sound_or_its_silence_and_its_length() -> None:
    small = [cv2.resize(one, (64, 48), interpolation=cv2.INTER_AREA) for one in pan(8)]
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:duration=0.25:sample_rate=44100", "-shortest")
    uneven = ("-vf", "select='not(between(mod(n,6),1,3))'", "-fps_mode", "vfr")  # phones drop frames in the dark
    coded = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "mp4")
    for more, sound in (((*tone, "-c:a", "aac"), True), (uneven, False)):
        came = read_video(filmed(*more, *coded, frames_=small))
        over = made("clip", came)
        assert (over.fps, over.count, over.sound) == (came.fps, came.count, sound)
        assert sound_digest(over) == sound_digest(came)
        assert bool(came.remarks) != sound  # the uneven one was made even, and that is said


def test_a_moving_gif_is_dreamt_over_where_it_is_called_a_clip(studio: Studio, tmp_path: Path, clip: Video) -> None:
    (tmp_path / "clip.gif").write_bytes(write_gif(clip))
    given = {"inputs": {"clip": tmp_path / "clip.gif"}, "wishes": {"size": 64, "octaves": 1}, "seed": 3}
    work, (file,) = studio.make("video.dream", [], tmp_path / "over.mp4", **given)
    assert read_video(file.read_bytes()).count == pytest.approx(clip.count, abs=1)
    assert [one.verdict for one in studio.replay(work.name)] == ["equal"]
    assert sorted(studio.authors(work).values())[0][0] == 0  # it was brought in by a person, and changed


def test_a_broken_clip_is_refused_in_a_sentence(run: Run, tmp_path: Path, clip: Video) -> None:
    (tmp_path / "broken.mp4").write_bytes(clip.data[: len(clip.data) // 2])
    code, _, err = run("make", "video.dream", "broken.mp4", "--out", "over.mp4")
    assert code == 2 and err.count("\n") == 1 and not (tmp_path / "over.mp4").exists()


def test_a_video_is_made_replayed_and_told_of_as_any_work(studio: Studio, tmp_path: Path, clip: Video) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip.data)
    knobs = {"size": 64, "octaves": 1}
    work, files = studio.make("video.dream", [tmp_path / "clip.mp4"], tmp_path / "over.mp4", wishes=knobs, seed=3)
    assert studio.ledger.turn(work.changed).partner.kind == "program"
    counts = studio.authors(work)
    assert [*counts.values()] == [(clip.count, 0), (0, clip.count)]
    assert [one.verdict for one in studio.replay(work.name)] == ["equal"]
    tools = next(t for _, t in studio.log(work.name) if t.partner.kind == "engine").partner.runtime["tools"]
    assert {"imageio-ffmpeg", "opencv-python-headless"} <= {*tools}
    assert b"compositeWithTrainedAlgorithmicMedia" in files[0].read_bytes()
    (tmp_path / "photo.jpg").write_bytes(PHOTO.read_bytes())
    work, files = studio.make(
        "video.dream", [tmp_path / "photo.jpg"], tmp_path / "zoom.gif", wishes={**knobs, "seconds": 0.2}, seed=3
    )
    assert read_video(files[0].read_bytes()).count >= 4
