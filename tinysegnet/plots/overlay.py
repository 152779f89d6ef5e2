"""Pictures of one prediction: a mask, and the photograph tinted with the classes above a legend."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

MARGIN, SWATCH = 8, 14      # pixels, of the legend under an overlay


def overlay(photograph, predicted, classes, palette):
    """A PIL image: the photograph tinted with the class of each pixel, and under it the classes that occur."""
    tinted = photograph // 2 + palette[predicted] // 2
    counts = np.bincount(predicted.ravel(), minlength=len(classes))
    entries = []
    for k in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]:
        share = 100 * counts[k] / predicted.size
        text = f"{classes[k]} {share:.1f} %" if share >= 0.05 else f"{classes[k]} < 0.1 %"
        entries.append((palette[k], text))
    return with_legend(Image.fromarray(tinted), entries)


def with_legend(image, entries):
    """A PIL image, and under it a legend of (colour, text) in as many lines as it takes."""
    width, height = image.size
    font = ImageFont.load_default(13)
    x, y, placed = MARGIN, height + MARGIN, []
    for colour, text in entries:
        wide = SWATCH + 5 + int(font.getlength(text)) + MARGIN
        if x + wide > width and x > MARGIN:
            x, y = MARGIN, y + SWATCH + MARGIN
        placed.append((x, y, tuple(map(int, colour)), text))
        width, x = max(width, x + wide), x + wide + MARGIN
    picture = Image.new("RGB", (width, y + SWATCH + MARGIN), "white")
    picture.paste(image)
    draw = ImageDraw.Draw(picture)
    for x, y, colour, text in placed:
        draw.rectangle([x, y, x + SWATCH, y + SWATCH], colour, "black")
        draw.text((x + SWATCH + 5, y - 1), text, "black", font)
    return picture


def mask(predicted, palette):
    """A PIL image of mode P: the label of each pixel, shown in the colour of its class."""
    image = Image.fromarray(predicted)
    image.putpalette(palette.ravel().tolist())
    return image
