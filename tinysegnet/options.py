"""Values on the command line, checked as they are read."""

import re
from argparse import ArgumentTypeError


def height_x_width(text):
    """ "180x240" -> (180, 240), height before width."""
    height, cross, width = text.lower().partition("x")
    if not (cross and height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise ArgumentTypeError(f"{text!r} is not a size: write height x width in pixels, as in 180x240")
    if len(height) > 4 or len(width) > 4:
        raise ArgumentTypeError(f"{text!r} is too large: at most 9999x9999")
    return int(height), int(width)


def folder_name(text):
    if not re.fullmatch(r"\w[\w.-]{0,99}", text):
        raise ArgumentTypeError(f"{text!r} is not the name of a folder: write one word, as in camvid-2")
    return text


def at_least_1(text):
    if not text.isdecimal() or len(text) > 6 or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to 999999")
    return int(text)


def at_least_0(text):
    if not text.isdecimal() or len(text) > 18:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 0, in at most 18 digits")
    return int(text)


def label(text):
    if not (text.isdecimal() and int(text) < 256):
        raise ArgumentTypeError(f"{text!r} is not a label: write a number from 0 to 255")
    return int(text)


def positive(text):
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return number
