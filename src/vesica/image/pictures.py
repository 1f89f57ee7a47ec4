"""Reading and writing pictures. A picture is a uint8 array [height, width, 3] in sRGB, everywhere in this package.

One that shows through has a fourth channel, alpha: 0 for nothing, 255 for all. Only what says so takes it.
"""

import struct
import warnings
import zlib
from collections import Counter
from io import BytesIO
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from vesica.errors import VesicaError
from vesica.image.pieces import SCAN, pieces

Picture = NDArray[np.uint8]
"""[height, width, 3], sRGB, 0..255."""

MOST_PIXELS = 8192 * 8192
"""Of a picture; the largest cameras of a photographer's bag have 61 million. Decoding holds some 12 bytes a pixel."""

MOST_HEAVY = 32_000_000
"""Of a WebP, a LAB or a 32 bit picture, which take twice the memory or time."""

LIGHT = 16_000_000
MOST_A_BYTE = 10
"""Above ``LIGHT`` pixels, how many may stand for a byte of the file: photographs have 1 to 5, bombs hundreds."""

MOST_PIECES = 100_000
"""Chunks, markers or blocks of a file; a PNG of 64 megapixels has up to 30,000."""

MOST_WALKED = 1_000_000_000
"""Pixels times scans of a JPEG: each scan is a walk over all of it, and an empty one costs ten bytes of the file."""

ROWS = 256
"""Rows that are worked on at once where a pixel takes many bytes on the way."""

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")

BROKEN = (OSError, SyntaxError, ValueError, EOFError, ArithmeticError, LookupError, TypeError, struct.error, zlib.error)
"""What Pillow's decoders raise on damaged files, found by damaging files."""


def check_picture(picture: Picture, *, name: str = "A picture", alpha: bool = False) -> None:
    """Refuse anything that is not a uint8 array [height, width, 3] with a pixel in it, as ``VesicaError``.

    With ``alpha``, 4 channels will do as well.
    """
    channels = (3, 4) if alpha else (3,)
    if picture.ndim != 3 or picture.shape[2] not in channels or picture.dtype != np.uint8 or not picture.size:
        raise VesicaError(
            f"{name} is a uint8 array [height, width, 3]; this one is {picture.dtype} {list(picture.shape)}."
        )


def read_picture(data: bytes, *, alpha: bool = False, ground: str = "white") -> Picture:
    """Decode a PNG, JPEG, WebP, TIFF, BMP or GIF file (the first frame) to a picture.

    The camera's orientation is applied, transparency is laid over ``ground``, a colour's name or #rrggbb (or, with
    ``alpha``, kept as a fourth channel where there is any), and colours are brought to sRGB by the file's own profile:
    a screen without the profile then shows what the file meant.

    Raises ``VesicaError`` where the bytes are empty, damaged, cut short, no picture, or above ``MOST_PIXELS``
    (``MOST_HEAVY``), which the header tells before anything is decoded.
    """
    if not data:
        raise VesicaError("The picture file is empty; export it again.")
    cut = Counter(islice(pieces(data), MOST_PIECES + 1))
    if cut.total() > MOST_PIECES:
        raise VesicaError("This picture file is cut into far more pieces than a picture needs; save it again.")
    with warnings.catch_warnings():
        # Pillow warns of large pictures and odd metadata; the size is checked below, and the rest harms nothing.
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(data), formats=FORMATS) as opened:
                width, height = opened.size
                heavy = opened.format == "WEBP" or opened.mode in ("LAB", "I", "F")
                most = MOST_HEAVY if heavy else MOST_PIXELS
                if width * height > most:
                    raise VesicaError(_too_large(f"{width} x {height} pixels", most))
                if not width * height:
                    raise VesicaError("The picture has no pixels; export it again.")
                if width * height > max(LIGHT, MOST_A_BYTE * len(data)):
                    raise VesicaError(
                        f"This file of {len(data):,} bytes unpacks to {width} x {height} pixels, far more than a "
                        f"picture needs; scale it to {LIGHT // 1_000_000} megapixels or less first."
                    )
                if opened.format == "JPEG" and cut[SCAN] * width * height > MOST_WALKED:
                    raise VesicaError("This JPEG is cut into far more scans than a picture needs; save it again.")
                opened.load()
                ImageOps.exif_transpose(opened, in_place=True)
                return _to_srgb(opened, alpha=alpha, ground=ground)
        except UnidentifiedImageError as fault:
            raise VesicaError(
                "This file is not a picture that can be read; save it as PNG, JPEG, WebP, TIFF, BMP or GIF."
            ) from fault
        except (Image.DecompressionBombError, MemoryError) as fault:
            raise VesicaError(_too_large("too many pixels", MOST_HEAVY)) from fault
        except BROKEN as fault:
            raise VesicaError("The picture file is damaged or cut short; export it again.") from fault


def frames_of(data: bytes) -> int:
    """Frames of a picture file that ``read_picture`` can read, which takes the first of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(BytesIO(data), formats=FORMATS) as opened:
                return int(getattr(opened, "n_frames", 1))
        except BROKEN:
            return 1  # a later frame is damaged, which harms nobody


def _too_large(size: str, most: int) -> str:
    return f"The picture has {size}; scale it to {most // 1_000_000} megapixels or less first."


def _to_srgb(image: Image.Image, *, alpha: bool, ground: str) -> Picture:
    """Any of Pillow's modes as a picture, a band of rows at a time: a whole one more would not fit beside it."""
    clear = image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info
    profile = None if image.mode in ("P", "1") and not clear else image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_to_bytes(np.asarray(image)))
    elif image.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    mapped = _mapping("RGB" if clear else image.mode, profile) if profile else None
    colours: Picture = np.empty((image.height, image.width, 4 if clear and alpha else 3), np.uint8)
    for top in range(0, image.height, ROWS):
        band = image.crop((0, top, image.width, min(top + ROWS, image.height)))
        share = None
        if clear:
            band = band.convert("RGBA")
            share = band.getchannel("A")
            band = band.convert("RGB")
        if mapped:
            band = ImageCms.applyTransform(band, mapped) or band
        band = band if band.mode == "RGB" else band.convert("RGB")
        if share and alpha:
            band.putalpha(share)
        elif share:
            band = Image.composite(band, Image.new("RGB", band.size, ground), share)
        colours[top : top + ROWS] = np.asarray(band)
    if colours.shape[2] == 4 and (colours[..., 3] == 255).all():
        return colours[..., :3].copy()
    return colours


def opaque(picture: Picture) -> Picture:
    """The picture laid over white where it shows through; itself where it has no alpha."""
    check_picture(picture, alpha=True)
    if picture.shape[2] == 3:
        return picture
    laid: Picture = np.empty((*picture.shape[:2], 3), np.uint8)
    for top in range(0, len(picture), ROWS):
        rows = picture[top : top + ROWS].astype(np.uint16)
        share = rows[..., 3:]
        laid[top : top + ROWS] = (rows[..., :3] * share + 255 * (255 - share) + 127) // 255
    return laid


def _to_bytes(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey values of 16 or 32 bits, or floats of 0..1 (or 0..255), as bytes."""
    result = np.empty(values.shape, np.uint8)
    blocks = [values[start : start + ROWS] for start in range(0, len(values), ROWS)]
    if values.dtype == np.uint16:
        for start, block in zip(range(0, len(values), ROWS), blocks, strict=True):
            result[start : start + ROWS] = (block.astype(np.uint32) + 128) // 257
        return result
    top = max(float(_finite(block).max()) for block in blocks)
    if np.issubdtype(values.dtype, np.floating):
        scale = 255.0 if top <= 1 else 1.0
    else:
        # 16 bits that Pillow widened to 32.
        scale = 255 / 65535 if top > 255 else 1.0
    for start, block in zip(range(0, len(values), ROWS), blocks, strict=True):
        result[start : start + ROWS] = np.rint((_finite(block) * scale).clip(0, 255))
    return result


def _finite(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _mapping(mode: str, profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """What brings ``mode`` to sRGB. A profile that is broken, or made for another kind of picture, is passed over."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, *BROKEN):
        return None


def write_png(picture: Picture) -> bytes:
    """The picture, alpha and all, as PNG: lossless, marked as sRGB, the same bytes every time with the same Pillow."""
    check_picture(picture, alpha=True)
    out, chunks = BytesIO(), PngInfo()
    chunks.add(b"sRGB", b"\0")  # to be shown as photographs are: perceptual
    Image.fromarray(picture).save(out, "PNG", compress_level=6, pnginfo=chunks)
    return out.getvalue()


def write_jpeg(picture: Picture, quality: int = 92) -> bytes:
    """The picture as baseline JPEG of ``quality`` 1..100; colours at full resolution from 90 up; alpha over white."""
    picture = opaque(picture)
    out = BytesIO()
    # Not optimised: Pillow then holds the whole file in a buffer that a noisy picture outgrows.
    Image.fromarray(picture).save(out, "JPEG", quality=quality, subsampling="4:4:4" if quality >= 90 else "4:2:0")
    return out.getvalue()


def write_webp(picture: Picture, quality: int = 88) -> bytes:
    """The picture, alpha and all, as lossy WebP of ``quality`` 0..100, which holds at most 16,383 pixels a side."""
    check_picture(picture, alpha=True)
    if max(picture.shape[:2]) > 16_383:
        raise VesicaError("WebP holds at most 16383 pixels a side; choose PNG or JPEG.")
    out = BytesIO()
    Image.fromarray(picture).save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def resize(picture: Picture, longest: int) -> Picture:
    """The picture with its longest side made ``longest`` pixels (1 or more), by Lanczos' filter; alpha too."""
    check_picture(picture, alpha=True)
    height, width = picture.shape[:2]
    scale = longest / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return picture.copy()
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def grey(picture: Picture) -> NDArray[np.uint8]:
    """The picture's light, uint8 [height, width]: Rec. 709 weights on the sRGB values."""
    check_picture(picture)
    red, green, blue = (picture[..., channel].astype(np.uint32) for channel in range(3))
    return ((red * 13933 + green * 46871 + blue * 4732 + 32768) >> 16).astype(np.uint8)
