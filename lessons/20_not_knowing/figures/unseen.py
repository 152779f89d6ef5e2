"""What no street that was trained on has: an elephant and a beach ball on the road, and a street upside down."""

import numpy as np
from PIL import Image, ImageDraw

SCALE = 8           # drawn so many times larger, and made small: edges are smooth then, as those of streets are
GREY, SHADE, IVORY = (118, 114, 120), (96, 92, 99), (226, 220, 200)
RED, WHITE, YELLOW, BLUE = (214, 52, 60), (240, 240, 236), (240, 196, 50), (50, 110, 200)


def elephant(draw, mask):
    """From its left, 44 pixels wide and 38 high, standing on row 84."""
    for pen in (draw, mask):
        ink = pen is mask
        grey, shade, ivory = (255, 255, 255) if ink else (GREY, SHADE, IVORY)
        for x in (60, 82):                                              # the legs of the far side
            pen.rectangle(box(x, 70, x + 7, 84), shade)
        pen.ellipse(box(48, 48, 90, 76), grey)
        for x in (53, 75):
            pen.rectangle(box(x, 66, x + 8, 85), grey)
        pen.line(points((89, 58), (93, 66), (92, 73)), shade, 2 * SCALE)                # its tail
        pen.ellipse(box(37, 44, 57, 66), grey)
        pen.line(points((41, 58), (38, 66), (37, 76), (40, 80)), grey, 5 * SCALE, joint="curve")
        pen.polygon(points((43, 63), (41, 69), (36, 70), (40, 66)), ivory)
        pen.ellipse(box(48, 45, 60, 65), shade)
        if not ink:
            pen.ellipse(box(42, 51, 44, 53), (20, 20, 24))


def ball(draw, mask):
    """A beach ball, 36 pixels across, lying on row 86."""
    whole = box(46, 50, 82, 86)
    mask.ellipse(whole, 255)
    for i, colour in enumerate((RED, WHITE, YELLOW, WHITE, BLUE, WHITE)):
        draw.pieslice(whole, 60 * i - 20, 60 * i + 40, colour)
    draw.ellipse(box(60, 64, 68, 72), WHITE)


def box(left, top, right, bottom):
    return [SCALE * side for side in (left, top, right, bottom)]


def points(*places):
    return [(SCALE * x, SCALE * y) for x, y in places]


def pasted(photograph, paint):
    """The photograph, uint8 (96, 128, 3), with a thing in it, and where that is, bool (96, 128)."""
    height, width = photograph.shape[:2]
    large = width * SCALE, height * SCALE
    thing, cover = Image.new("RGB", large), Image.new("L", large)
    paint(ImageDraw.Draw(thing), ImageDraw.Draw(cover))
    small = cover.resize((width, height), Image.Resampling.BOX)
    colours = Image.composite(thing, Image.fromarray(photograph).resize(large), cover)
    picture = Image.composite(colours.resize((width, height), Image.Resampling.BOX), Image.fromarray(photograph), small)
    return np.array(picture), np.array(small) > 127


def upside_down(photograph):
    """And all of it counts as unseen."""
    return photograph[::-1].copy(), np.ones(photograph.shape[:2], bool)


UNSEEN = {
    "elephant": lambda photograph: pasted(photograph, elephant),
    "ball": lambda photograph: pasted(photograph, ball),
    "upside down": upside_down,
}
