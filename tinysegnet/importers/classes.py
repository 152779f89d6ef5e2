"""Names and colours of a tool's classes, and masks by them."""

from functools import partial

import numpy as np

from tinysegnet.data.classes_file import VOID_NAMES, read_classes
from tinysegnet.data.labels import Legend, read_labels
from tinysegnet.data.problems import FileError
from tinysegnet.support.errors import InputError

VOID = 255
BACKGROUND = "background", "_background_"


def name_in(text):
    """A name of a tool, as a line of classes.txt can have it."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no name")
    text.encode()                       # which fails for what is no text
    if not (name := " ".join(text.split())):
        raise ValueError("a name is empty")
    return name


def classes_in(path, least=2):
    """{name: colour or None} of the lines of a classes.txt. Raises InputError if there are fewer, or it is no such."""
    if not path.is_file():
        raise InputError(f"there is no file {path}: put one there, with a class in each line, or name it by --classes")
    names, palette, given = read_classes(path, least)
    return {name: tuple(palette[k].tolist()) if k in given else None for k, name in enumerate(names)}


def without_void(colours):
    return {name: colour for name, colour in colours.items() if name.lower() not in VOID_NAMES}


def with_background(names):
    """{name: None}, and first the class of what nothing is drawn over."""
    of_nothing = [name for name in names if name in BACKGROUND] or [BACKGROUND[0]]
    return dict.fromkeys([*of_nothing, *names])


def numbered(names):
    """{name: label}: 0, 1, 2, ... in this order, and 255 for the names that stand for no class."""
    classes = [*without_void(dict.fromkeys(names))]
    return {name: classes.index(name) if name in classes else VOID for name in names}


def mask_reader(colours, label, notes=None, numbers=True, file="classes.txt", of_void=None):
    """labels_of(path) gives the `labels` of a Sample whose labels are an image, see data/labels.py.

    colours  {name: colour or None}, in the order of the numbers that the tool gives them, from 0
    label    {name: label}
    notes    of all masks, where one may show what another means
    numbers  whether the tool gives them numbers at all; if not, masks that have numbers are refused
    file     that says the colours
    of_void  the colour of void, if no class has it
    """
    if len(colours) > VOID:
        raise InputError(f"there are {len(colours)} classes: it takes at most {VOID}")
    table, owners = np.full(256, VOID, np.uint8), {}
    for number, (name, colour) in enumerate(colours.items()):
        table[number] = label[name]
        if colour:
            owners[colour] = (*owners.get(colour, ()), number)
    if of_void:
        owners.setdefault(of_void, (VOID,))
    legend = Legend(tuple(colours), VOID, owners, str(file))

    def labels(path, size):
        read = read_labels(path, legend)
        if read.way == "number" and not numbers:
            raise FileError("numbers", path, "has numbers, of which nothing says the classes: take the one in colours")
        if notes and read.labels.shape == size:         # the others are not taken
            notes.of_label_file(path, read)
        return table[read.labels]

    return lambda path: partial(labels, path)
