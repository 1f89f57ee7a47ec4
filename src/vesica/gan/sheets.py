"""Sheets of samples, pairs side by side, and the curves of a training, as pictures."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vesica.image.pictures import Picture

PAPER, INK, LINE = (250, 249, 246), (40, 40, 40), (215, 212, 205)
COLOURS = ((0, 114, 178), (179, 74, 0), (0, 125, 90))
GAP = 2


def sheet(pictures: Sequence[Picture], columns: int) -> Picture:
    """Pictures of one size in rows of ``columns``, a thin gap between them."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    whole: Picture = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), PAPER, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * (height + GAP), place % columns * (width + GAP)
        whole[top : top + height, left : left + width] = picture
    return whole


def pairs(left: Sequence[Picture], right: Sequence[Picture], told: Sequence[str], columns: int = 3) -> Picture:
    """What belongs together side by side, with a line of words below each pair."""
    height, width = left[0].shape[:2]
    cells = []
    for one, other, words in zip(left, right, told, strict=True):
        cell: Picture = np.full((height + 22, 2 * width + 16, 3), PAPER, np.uint8)
        cell[:height, :width], cell[:height, width + GAP : 2 * width + GAP] = one, other
        drawn = Image.fromarray(cell)
        ImageDraw.Draw(drawn).text((1, height + 3), words, INK, ImageFont.load_default(12))
        cells.append(np.asarray(drawn))
    return sheet(cells, columns)


def curves(panels: Sequence[tuple[str, Sequence[tuple[str, Sequence[float], Sequence[float]]]]]) -> Picture:
    """Panels one below another, each a title and up to three lines: a name, steps, values."""
    wide, high = 720, 170
    drawn = Image.new("RGB", (wide, high * len(panels)), PAPER)
    pen, small = ImageDraw.Draw(drawn), ImageFont.load_default(12)
    last = max((max(xs, default=0) for _, lines in panels for _, xs, _ in lines), default=0) or 1
    for number, (title, lines) in enumerate(panels):
        top, bottom, left, right = number * high + 30, (number + 1) * high - 24, 60, wide - 16
        values = [y for _, _, ys in lines for y in ys]
        low, top_value = min([0.0, *values]), max(values, default=1.0)
        span = (top_value - low) or 1.0
        pen.text((left, number * high + 8), title, INK, ImageFont.load_default(14))
        for share in (0.0, 0.5, 1.0):
            y = bottom - share * (bottom - top)
            pen.line((left, y, right, y), LINE)
            pen.text((left - 6, y), f"{low + share * span:.3g}", INK, small, anchor="rm")
        for place, (name, xs, ys) in enumerate(lines):
            points = [
                (left + x / last * (right - left), bottom - (y - low) / span * (bottom - top))
                for x, y in zip(xs, ys, strict=True)
            ]
            if len(points) > 1:
                pen.line(points, COLOURS[place], 2, joint="curve")
            for x, y in points if len(points) < 40 else []:
                pen.ellipse((x - 2, y - 2, x + 2, y + 2), COLOURS[place])
            pen.text(
                (right - 130 * (len(lines) - place - 1), number * high + 8), name, COLOURS[place], small, anchor="ra"
            )
        pen.text((right, bottom + 5), f"step {last:,.0f}", INK, small, anchor="ra")
    return np.array(drawn)
