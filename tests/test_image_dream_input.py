"""DeepDream on pictures as people have them: tiny, huge, grey, deep, turned, transparent, moving, oddly coloured."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from vesica.engines import find
from vesica.errors import VesicaError
from vesica.image.dream import dream
from vesica.image.params import DreamParams
from vesica.image.pictures import Picture, read_picture, resize, write_png
from vesica.knobs import build
from vesica.studio import Studio

QUICK = DreamParams(octaves=1, steps=1, size=0, jitter=4)
PHOTO = Path(__file__).parent.parent / "examples" / "photo.jpg"


@pytest.fixture(scope="module")
def photo() -> Picture:
    return resize(read_picture(PHOTO.read_bytes()), 72)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def dreamt(data: bytes, params: DreamParams = QUICK) -> Picture:
    return dream(picture=read_picture(data, alpha=True), params=params, seed=1)


def sentence(picture: Picture, **others: Picture) -> str:
    with pytest.raises(VesicaError) as caught:
        dream(picture=picture, params=QUICK, seed=1, **others)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_single_pixel_is_refused_with_what_to_do() -> None:
    assert "1 x 1, so scale it up" in sentence(np.zeros((1, 1, 3), np.uint8))


def test_a_strip_of_20000_pixels_is_dreamt_at_its_own_size() -> None:
    strip = np.random.default_rng(1).integers(0, 256, (40, 20_000, 3), np.uint8)
    result = dreamt(saved(Image.fromarray(strip)))
    assert result.shape == strip.shape
    changed = (result != strip).any(2).mean(0)
    assert (changed.reshape(-1, 500).mean(1) > 0.5).all()


def test_400_million_pixels_are_refused_with_what_to_do() -> None:
    # One pixel in memory, repeated: what is refused must not be touched.
    assert "so scale it down" in sentence(np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (20_000, 20_000, 3)))


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "P", "CMYK"])
def test_pixels_of_every_kind_are_dreamt_into(photo: Picture, mode: str) -> None:
    grey = np.asarray(Image.fromarray(photo).convert("L"))
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(photo).convert(mode)
    data = saved(image, "TIFF" if mode == "CMYK" else "PNG")
    result = dreamt(data)
    assert result.shape == photo.shape
    assert 0 < np.abs(result.astype(int) - read_picture(data)).mean() < 12


def test_the_first_frame_of_an_animation_is_dreamt_into(photo: Picture) -> None:
    frames = [Image.fromarray(photo), Image.fromarray(255 - photo)]
    moving = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert np.array_equal(dreamt(moving), dream(picture=photo, params=QUICK, seed=1))


def test_a_turned_photograph_is_dreamt_upright(photo: Picture) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(photo).transpose(Image.Transpose.ROTATE_90)
    result = dreamt(saved(turned, "PNG", exif=exif.tobytes()))
    assert np.array_equal(result, dream(picture=photo, params=QUICK, seed=1))


def test_a_photograph_of_another_profile_is_dreamt_in_srgb(photo: Picture) -> None:
    lab = ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(Image.fromarray(photo), ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    assert image is not None
    result = dreamt(saved(image, "TIFF", icc_profile=ImageCms.ImageCmsProfile(lab).tobytes()))
    assert np.abs(result.astype(int) - photo).mean() < 12
    with Image.open(BytesIO(write_png(result))) as opened:
        assert opened.info["srgb"] == 0 and "icc_profile" not in opened.info


def test_transparency_is_kept_and_nothing_hidden_is_changed(photo: Picture) -> None:
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[:, 20:] = 255
    alpha[:, 16:20] = 90
    picture = np.dstack([photo, alpha])
    picture[:, :16, :3] = (0, 255, 0)
    result = dream(picture=picture, params=QUICK, seed=1)
    assert np.array_equal(result[..., 3], alpha)
    assert np.array_equal(result[:, :16], picture[:, :16])
    assert (result[:, 16:] != picture[:, 16:]).any(2).mean() > 0.5


def test_hidden_colours_have_no_part_in_the_dream(photo: Picture) -> None:
    alpha = np.full(photo.shape[:2], 255, np.uint8)
    alpha[10:30, 10:40] = 0
    one, other = np.dstack([photo, alpha]), np.dstack([photo, alpha])
    other[10:30, 10:40, :3] = (255, 0, 255)
    made = [dream(picture=picture, params=replace(QUICK, steps=3), seed=1) for picture in (one, other)]
    assert np.array_equal(made[0][alpha > 0], made[1][alpha > 0])


def test_a_studio_keeps_transparency_from_file_to_file(photo: Picture, tmp_path: Path) -> None:
    alpha = np.zeros(photo.shape[:2], np.uint8)
    alpha[8:40, 8:60] = 255
    (tmp_path / "cut.png").write_bytes(write_png(np.dstack([photo, alpha])))
    with Studio.create(tmp_path / "studio") as studio:
        studio.make(
            "image.dream", [tmp_path / "cut.png"], tmp_path / "out.png", wishes={"steps": 1, "octaves": 1}, seed=1
        )
    made = read_picture((tmp_path / "out.png").read_bytes(), alpha=True)
    assert np.array_equal(made[..., 3], alpha)
    assert (made[8:40, 8:60, :3] != photo[8:40, 8:60]).any()


@pytest.mark.parametrize("wish", ["9999*b8", "0.0001*b8", "9999*b8 - 9999*e5"])
def test_weights_of_any_size_are_brought_to_one_strength(photo: Picture, wish: str) -> None:
    result = dream(picture=photo, params=replace(QUICK, steps=2, look_for=wish), seed=1)
    assert 0.5 < np.abs(result.astype(int) - photo).mean() < 12


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"rate": 50}, "rate"),
        ({"rate": -1}, "rate"),
        ({"colour": 2}, "colour"),
        ({"steps": 10**9}, "steps"),
        ({"octaves": 0}, "octaves"),
        ({"feather": -3}, "feather"),
        ({"variety": float("inf")}, "variety"),
    ],
)
def test_strengths_that_are_grossly_wrong_are_refused(knobs: dict[str, float], told: str) -> None:
    with pytest.raises(VesicaError, match=told):
        build(find("image.dream").load_params(), knobs)


@pytest.mark.parametrize(
    ("wish", "told"),
    [("b18", "did you mean b8"), ("c8", "did you mean"), ("lighthous", "lighthouse"), ("b8:112", "0 to 111")],
)
def test_an_unknown_layer_or_thing_gets_a_suggestion(photo: Picture, wish: str, told: str) -> None:
    with pytest.raises(VesicaError, match=told):
        dream(picture=photo, params=replace(QUICK, look_for=wish), seed=1)


def test_a_mask_of_another_size_is_scaled_and_one_of_another_shape_refused(photo: Picture) -> None:
    mask = np.zeros((photo.shape[0] * 3, photo.shape[1] * 3, 3), np.uint8)
    mask[:, : mask.shape[1] // 2] = 255
    result = dream(picture=photo, params=replace(QUICK, feather=0), seed=1, mask=mask)
    right = np.s_[:, photo.shape[1] // 2 + 2 :]
    assert np.array_equal(result[right], photo[right]) and not np.array_equal(result, photo)
    assert "paint the mask in the picture's shape" in sentence(photo, mask=np.zeros((90, 30, 3), np.uint8))
