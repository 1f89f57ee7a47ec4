"""Reading and writing pictures."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms

from vesica.errors import VesicaError
from vesica.image.pictures import (
    Picture,
    check_picture,
    frames_of,
    grey,
    opaque,
    read_picture,
    resize,
    write_jpeg,
    write_png,
    write_webp,
)
from vesica.image.pieces import SCAN, pieces

pictures = st.tuples(st.integers(1, 24), st.integers(1, 24)).flatmap(lambda side: arrays(np.uint8, (*side, 3)))


def scene(width: int = 96, height: int = 64) -> Picture:
    """Smooth colours, as photographs have them."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 100 * np.sin(x / 17 + shift) * np.cos(y / 13 - shift) for shift in (0.0, 0.7, 2.1)]
    return np.stack(waves, axis=2).astype(np.uint8)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def sentence(data: bytes) -> str:
    with pytest.raises(VesicaError) as caught:
        read_picture(data)
    return str(caught.value)


def header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to nothing in it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1 << 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@given(picture=pictures)
def test_png_gives_the_picture_back_to_the_byte(picture: Picture) -> None:
    assert np.array_equal(read_picture(write_png(picture)), picture)


@given(picture=pictures)
@settings(max_examples=25)
def test_writing_twice_gives_the_same_bytes_and_leaves_the_picture_alone(picture: Picture) -> None:
    before = picture.copy()
    for write in (write_png, write_jpeg, write_webp):
        assert write(picture) == write(picture)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("write", [write_jpeg, write_webp])
def test_lossy_files_come_back_close(write: object) -> None:
    picture = scene()
    back = read_picture(write(picture))  # type: ignore[operator]
    assert back.shape == picture.shape
    assert np.abs(back.astype(int) - picture).mean() < 3


@given(picture=pictures, longest=st.integers(1, 80))
@settings(max_examples=40)
def test_resizing_makes_the_longest_side_what_was_asked(picture: Picture, longest: int) -> None:
    small = resize(picture, longest)
    assert max(small.shape[:2]) == longest
    assert min(small.shape) >= 1


@given(picture=pictures)
def test_grey_lies_between_the_darkest_and_the_lightest_channel(picture: Picture) -> None:
    light = grey(picture).astype(int)
    assert (light >= picture.min(axis=2).astype(int) - 1).all()
    assert (light <= picture.max(axis=2).astype(int) + 1).all()


def test_transparency_is_laid_over_white() -> None:
    image = Image.new("RGBA", (2, 1), (10, 20, 30, 255))
    image.putpixel((1, 0), (10, 20, 30, 0))
    assert read_picture(saved(image)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_kept_where_it_is_asked_for(mode: str) -> None:
    image = Image.fromarray(scene(8, 6)).convert("LA" if mode == "LA" else "RGBA")
    image.putalpha(Image.fromarray(np.linspace(0, 255, 48).reshape(6, 8).astype(np.uint8)))
    image = image.quantize(16, Image.Quantize.FASTOCTREE) if mode == "P" else image
    back = read_picture(saved(image), alpha=True)
    assert np.array_equal(back, np.asarray(image.convert("RGBA")))
    assert np.array_equal(read_picture(write_png(back), alpha=True), back)


def test_transparency_that_shows_nowhere_is_no_fourth_channel() -> None:
    assert read_picture(saved(Image.fromarray(scene(8, 6)).convert("RGBA")), alpha=True).shape == (6, 8, 3)


@given(picture=pictures, share=st.integers(0, 255))
def test_laid_over_white_a_picture_lies_between_itself_and_white(picture: Picture, share: int) -> None:
    laid = opaque(np.dstack([picture, np.full(picture.shape[:2], share, np.uint8)]))
    assert (laid >= picture).all()
    assert np.array_equal(laid, picture) or share < 255
    assert share or (laid == 255).all()


def test_a_jpeg_has_white_where_nothing_shows() -> None:
    assert read_picture(write_jpeg(np.zeros((8, 8, 4), np.uint8))).min() > 250


def test_the_frames_of_a_file_are_counted_and_the_first_is_read() -> None:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "green", "blue")]
    for kind in ("GIF", "PNG", "WEBP"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert frames_of(data) == 3
        assert read_picture(data)[3, 4].tolist() == pytest.approx([255, 0, 0], abs=4)
    assert frames_of(saved(frames[0])) == 1


def test_a_picture_written_as_png_says_that_it_is_srgb() -> None:
    with Image.open(BytesIO(write_png(scene(8, 6)))) as opened:
        assert opened.info["srgb"] == 0


def test_the_cameras_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_picture(saved(Image.fromarray(scene(60, 40)), "JPEG", exif=exif.tobytes())).shape == (60, 40, 3)


def test_colours_of_another_profile_are_brought_to_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    image = Image.new("LAB", (4, 4), (128, 128, 128))
    back = read_picture(saved(image, "TIFF", icc_profile=lab.tobytes()))
    assert abs(int(back[0, 0, 0]) - 119) <= 3  # L* of 50 is sRGB 119
    assert np.ptp(back[0, 0]) <= 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_kind_of_pixel_becomes_a_picture(mode: str) -> None:
    kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    if mode in kinds:
        image = Image.fromarray(np.linspace(0, 255, 48).reshape(6, 8).astype(kinds[mode]))
    else:
        image = Image.fromarray(scene(8, 6)).convert(mode)
    check_picture(read_picture(saved(image, "TIFF" if mode in (*kinds, "CMYK", "YCbCr") else "PNG")))


def test_an_empty_file_gives_one_sentence() -> None:
    assert sentence(b"") == "The picture file is empty; export it again."


@given(data=st.binary(min_size=1, max_size=200))
@settings(max_examples=60)
def test_noise_gives_one_sentence(data: bytes) -> None:
    assert "not a picture" in sentence(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short_gives_one_sentence(kind: str, share: float) -> None:
    whole = saved(Image.fromarray(scene()), kind)
    told = sentence(whole[: int(len(whole) * share)])
    assert told.endswith(".")
    assert "\n" not in told


@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP"]), data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_read_or_refused_in_one_sentence(kind: str, data: st.DataObject) -> None:
    bytes_ = bytearray(saved(Image.fromarray(scene(24, 16)), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        bytes_[data.draw(st.integers(0, len(bytes_) - 1))] = data.draw(st.integers(0, 255))
    try:
        check_picture(read_picture(bytes(bytes_)))
    except VesicaError as fault:
        assert "\n" not in str(fault)


@pytest.mark.parametrize("size", [(10_001, 10_000), (50_000, 50_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_above_100_megapixels_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    assert "scale it" in sentence(header_only(*size))


def test_a_picture_without_its_pixels_is_refused() -> None:
    assert "damaged or cut short" in sentence(header_only(2000, 2000))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_an_array_that_is_no_picture_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(VesicaError, match="uint8 array"):
        write_png(wrong)


def test_webp_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(VesicaError, match="16383"):
        write_webp(np.zeros((1, 16_384, 3), np.uint8))


def test_noise_of_any_size_becomes_a_jpeg() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (256, 256, 3)).astype(np.uint8)
    assert read_picture(write_jpeg(noise)).shape == noise.shape


def test_what_stands_behind_a_jpeg_s_end_is_no_scan_of_it() -> None:
    whole = saved(Image.fromarray(scene()), "JPEG", progressive=True)
    assert list(pieces(whole)).count(SCAN) == 10
    # As a telephone puts a film behind a photograph.
    film = np.random.default_rng(1).bytes(1 << 20).replace(b"\x00", b"\xff\xda")
    assert list(pieces(whole + film)) == list(pieces(whole))
    assert np.array_equal(read_picture(whole + film), read_picture(whole))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF"])
def test_a_file_that_is_cut_has_no_more_pieces_than_it_had(kind: str) -> None:
    whole = saved(Image.fromarray(scene()), kind)
    counts = [sum(1 for _ in pieces(whole[:length])) for length in range(len(whole) + 1)]
    assert counts == sorted(counts) and counts[0] == 0 and (counts[-1] or kind == "GIF")


@pytest.mark.parametrize("tag", [273, 324], ids=["strips", "tiles"])
@pytest.mark.parametrize("big", [False, True], ids=["TIFF", "BigTIFF"])
def test_a_tiff_tells_its_strips_before_they_are_read(tag: int, big: bool) -> None:
    row = struct.pack("<HHQQ" if big else "<HHII", tag, 4, 70_000, 0)
    head = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, 1) if big else struct.pack("<2sHIH", b"II", 42, 8, 1)
    assert sum(1 for _ in pieces(head + row + bytes(80_000))) == 70_000
    assert "pieces" in sentence(
        head + row.replace(struct.pack("<I", 70_000), struct.pack("<I", 200_000)) + bytes(300_000)
    )
