"""classes.txt: the names of the classes, in the order of their labels, and their colours."""

import re
import unicodedata

import numpy as np

from tinysegnet.support.errors import InputError

WAYS = "write a name and three numbers 0 to 255, its colour, as in  Sky 128 128 128, or a name alone"
OF_TABLES = re.compile(r"[:;{}\[\]\"=]|,\s*\d|\d\s*,|(\d+\s+){3}")     # as in other tools' files: no names
OF_PEOPLE = re.compile(r"#|//|%|.*\b(r\W+g\W+b|red\W+green\W+blue)\b", re.IGNORECASE)      # remarks, titles of columns
VOID_NAMES = "void", "unlabelled", "unlabeled", "ignore", "ignored", "__ignore__"       # in any case of letters
INVISIBLE = "Cc", "Cf", "Zs", "Zl", "Zp"        # categories of Unicode: a space of no width, say
OF_COLUMNS = {"id", "index", "label", "class", "name", "class_id", "class_name", "colour", "color"}


def read_classes(path, least=2):
    """The names, their palette, uint8 (classes, 3), and the numbers of the classes whose colour the file gives.

    A line has a name and three numbers, or #rrggbb, before or behind it, or a name alone, which gets a colour that is
    free. Raises InputError that names the line, or if there are not so many at least.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except PermissionError as error:
        raise InputError(f"{path} may not be read: change its rights") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text ({error}): save it as such") from error
    classes = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            name, colour = name_and_colour(line.split(), f"{path}, line {number}")
            if name == "__ignore__":
                raise InputError(f"{path}, line {number}: {name} stands for no label, but for none: delete that line")
            if OF_PEOPLE.match(name) or (not colour and is_title(name.lower().split())):
                raise InputError(f"{path}, line {number}: each line is a class, and {name!r} is none: delete that line")
            if re.search(r"[\x00-\x1f]", name):
                raise InputError(f"{path}, line {number}: {name!r} is not plain text: save the file as UTF-8")
            if all(unicodedata.category(character) in INVISIBLE for character in name):
                raise InputError(f"{path}, line {number}: the name {name!a} cannot be seen: give the class another")
            if name in classes:
                raise InputError(f"{path}, line {number}: {name!r} is there twice, give each class its own name")
            classes[name] = colour
    if not least <= len(classes) <= 255:
        raise InputError(f"{path} names {len(classes)} classes: it takes {least} to 255")
    numbers, without = zip(*[(name.split()[-1], name.rpartition(" ")[0]) for name in classes])
    differ = all(without) and len({*without}) == len(classes)               # not "lane 1", "lane 2"
    ends = [line.split()[-4:] for line in lines if line.strip()]
    if differ and all(len(words) == 4 and all(map(is_byte, words)) for words in ends):
        text = "leave out the last one, or if the first belongs to the name, write the colour as #rrggbb"
        raise InputError(f"{path} has four numbers in each line: {text}")
    check_numbers(path, "before", [name.split()[0] for name in classes])
    if differ and sorted(numbers) == sorted(map(str, range(len(classes)))):
        check_numbers(path, "behind", numbers)
    given = {k for k, colour in enumerate(classes.values()) if colour}
    free = (colour for colour in map(of_voc, range(1, 512)) if colour not in classes.values())
    palette = np.array([colour or next(free) for colour in classes.values()], np.uint8)
    return tuple(classes), palette, given


def is_title(words):
    return len(words) > 1 and {*words} <= OF_COLUMNS


def check_numbers(path, where, words):
    """Raise InputError if all of the words are numbers, of lines that are in another order."""
    if all(map(str.isdecimal, words)) and [*map(int, words)] != [*range(len(words))]:
        said = f"{path} has numbers {where} the names, from {words[0]} on, but labels are counted from 0, by lines"
        raise InputError(f"{said}: order the lines so, and take the numbers away")


def name_and_colour(words, where):
    """The name, and the colour or None, in the words of a line."""
    for name, colour in ((words[:-1], words[-1]), (words[1:], words[0])):
        if name and re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            return " ".join(name), tuple(bytes.fromhex(colour[1:]))
    for name, colour in ((words[:-3], words[-3:]), (words[3:], words[:3])):
        if len(colour) == 3 and all(map(is_byte, colour)) and not all(map(is_number, name)):
            return " ".join(name), tuple(map(int, colour))
    text = " ".join(words)
    numbers_at_an_end = all(map(is_number, words[-2:])) or all(map(is_number, words[:2]))
    if numbers_at_an_end or OF_TABLES.search(text):
        raise InputError(f"{where}: {WAYS}")
    return text, None


def is_byte(word):
    return word.isdecimal() and len(word) < 4 and int(word) < 256


def is_number(word):
    return re.fullmatch(r"[+-]?[\d.]+", word) is not None


def of_voc(k):
    """The colour of class k in Pascal VOC: the bits of k, spread over red, green and blue from the highest down."""
    bits = [(k >> i) & 1 for i in range(9)]
    return tuple(sum(bits[3 * i + channel] << (7 - i) for i in range(3)) for channel in range(3))
