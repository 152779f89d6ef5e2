"""Values on the command line, checked as they are read."""

import re
from argparse import ArgumentParser, ArgumentTypeError

LONGEST_SIDE = 9999     # of a picture, in pixels, as a network sees it


class Parser(ArgumentParser):
    """One, like those of its subcommands, that takes -1x5 for a value and not for an option, so that what is wrong with
    the value is said."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._negative_number_matcher = re.compile(r"-\.?\d")        # argparse's own knows -1 and -.5


def height_x_width(text):
    """ "180x240" -> (180, 240), height before width."""
    height, cross, width = text.lower().partition("x")
    if not (cross and height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise ArgumentTypeError(f"{text!r} is not a size: write height x width in pixels, as in 180x240")
    if len(height) > 4 or len(width) > 4:
        raise ArgumentTypeError(f"{text!r} is too large: at most {LONGEST_SIDE}x{LONGEST_SIDE}")
    return int(height), int(width)


def folder_name(text):
    if not re.fullmatch(r"\w[\w.-]{0,99}", text):
        raise ArgumentTypeError(f"{text!r} is not the name of a folder: write one word, as in camvid-2")
    return text


def at_least_1(text):
    if not text.isdecimal() or len(text) > 6 or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1 to 999999")
    return int(text)


def at_least_2(text):
    if not text.isdecimal() or len(text) > 6 or int(text) < 2:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 2 to 999999")
    return int(text)


def at_least_0(text):
    if not text.isdecimal() or len(text) > 18:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 0, in at most 18 digits")
    return int(text)


def port(text):
    if not (text.isdecimal() and len(text) <= 5 and 1024 <= int(text) <= 65535):
        raise ArgumentTypeError(f"{text!r} is not a port: write a number from 1024 to 65535")
    return int(text)


def png_file(text):
    if not text.lower().endswith(".png"):
        raise ArgumentTypeError(f"{text!r} is not the name of a picture: write one that ends in .png")
    return text


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


def not_negative(text):
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return number


def between(low, high):
    """A parser of a number from low to high."""

    def parse(text):
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
        return number

    return parse


def numbers(low, high):
    """A parser of numbers from low to high with commas between them: "0.75,1.25" -> (0.75, 1.25)."""
    return lambda text: tuple(between(low, high)(part) for part in text.split(","))


def yes_or_no(text):
    if text not in ("yes", "no"):
        raise ArgumentTypeError(f"{text!r} is neither yes nor no")
    return text == "yes"


def choice(*names):
    """A parser that takes one of these names."""

    def parse(text):
        if text not in names:
            raise ArgumentTypeError(f"there is no {text!r} to choose: it is one of {', '.join(names)}")
        return text

    return parse


def or_none(parse):
    """A parser that takes "none" for None besides."""

    def parse_or_none(text):
        try:
            return None if text == "none" else parse(text)
        except ArgumentTypeError as error:
            raise ArgumentTypeError(f"{error}, or none") from error

    return parse_or_none
