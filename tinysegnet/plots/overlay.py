"""Pictures of one prediction: a mask, the photograph tinted with the classes above a legend, and how unsure it is."""

import numpy as np
from matplotlib import colormaps
from PIL import Image, ImageDraw, ImageFont

from tinysegnet.plots.names import drawable, font_file

MARGIN, SWATCH, FONT_SIZE = 8, 14, 12       # pixels, of the legend under an overlay
DARK_TO_BRIGHT = (255 * colormaps["inferno"](range(256))[:, :3]).round().astype(np.uint8)      # (256, 3)


def overlay(photograph, predicted, classes, palette):
    """A PIL image: the photograph tinted with the class of each pixel, and under it the classes that occur."""
    tinted = photograph // 2 + palette[predicted] // 2
    counts = np.bincount(predicted.ravel(), minlength=len(classes))
    names, entries = drawable(tuple(classes)), []
    for k in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]:
        share = 100 * counts[k] / predicted.size
        text = f"{share:.1f} %" if share >= 0.05 else "< 0.1 %"
        entries.append((palette[k], f"{names[k]} {text}"))
    return with_legend(Image.fromarray(tinted), entries)


def with_legend(image, entries):
    """A PIL image, and under it a legend of (colour, text) in as many lines as it takes."""
    width, height = image.size
    font = ImageFont.truetype(font_file(), FONT_SIZE)
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


def uncertainty(values, classes):
    """A PIL image of the uncertainty of each pixel, see inference.monte_carlo, and under it a bar of its colours.

    values   (H, W)
    classes  their number
    """
    highest, image = highest_shown(classes), Image.fromarray(uncertainty_colours(values, classes))
    width, height = max(image.width, 240), image.height
    picture = Image.new("RGB", (width, height + 2 * SWATCH + 3 * MARGIN), "white")
    picture.paste(image, ((width - image.width) // 2, 0))
    bar = np.broadcast_to(highest * np.linspace(0, 1, width - 2 * MARGIN) ** 2, (SWATCH, width - 2 * MARGIN))
    picture.paste(Image.fromarray(uncertainty_colours(bar, classes)), (MARGIN, height + MARGIN))
    draw, font = ImageDraw.Draw(picture), ImageFont.truetype(font_file(), FONT_SIZE)
    below = height + SWATCH + MARGIN + 2
    draw.text((MARGIN, below), "0: looks agree", "black", font)
    draw.text((width - MARGIN, below), f"{highest:.3f} or more", "black", font, anchor="ra")
    return picture


def uncertainty_colours(values, classes):
    """uint8 (H, W, 3), from dark for 0 to bright: by the square root, as a standard deviation is, or nearly all would
    be dark."""
    return coloured(np.sqrt(values / highest_shown(classes)))


def coloured(shares):
    """uint8 (H, W, 3): dark for 0, bright for 1 and above."""
    return DARK_TO_BRIGHT[np.minimum(256 * shares, 255).astype(np.uint8)]


def highest_shown(classes):
    """The uncertainty where half of the looks are sure of one class, and half of another."""
    return 0.5 / classes


def mask(predicted, palette):
    """A PIL image of mode P: the label of each pixel, shown in the colour of its class."""
    image = Image.fromarray(predicted)
    image.putpalette(palette.ravel().tolist())
    return image
