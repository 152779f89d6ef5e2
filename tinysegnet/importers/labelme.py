"""labelme: a JSON file for each photograph, with named shapes."""

from base64 import b64decode
from functools import partial

import numpy as np
from PIL import Image

from tinysegnet.importers.classes import name_in, numbered, with_background, without_void
from tinysegnet.importers.drawing import draw_shape
from tinysegnet.importers.finding import files_under, plain
from tinysegnet.importers.json_files import as_written_by, load_json, photograph_of, whole
from tinysegnet.importers.sample import NothingDrawnError, Sample, left_over, noted
from tinysegnet.support.errors import InputError

LAYOUT = """NAME.json, in sub-folders too, and the photograph that each names, or
has in it"""


def read(source, _, notes):
    """See importers/__init__.py. The classes are `background` and the names of the shapes, by the alphabet."""
    paths = files_under(source, (".json",))
    if not paths:
        raise InputError(f"there is no NAME.json in {source}: name the folder that has labelme's files")
    names, found = set(), []
    for path in paths:
        with noted(notes.problems), as_written_by("labelme", path):
            said = load_json(path)
            names |= {name_in(shape["label"]) for shape in said["shapes"]}
            size = [said.get(key) for key in ("imageHeight", "imageWidth")]
            size = None if None in size else tuple(map(whole, size))
            photograph = photograph_of(source, path, said["imagePath"], said.get("imageData"))
            found.append((path, photograph, size, partial(content_of, path) if photograph == path else None))
    named = {path.parent / path.stem for path in (*paths, *(photograph for _, photograph, *_ in found))}
    alone = (path for path in files_under(source) if path.parent / path.stem not in named)
    left_over(notes.problems, alone, "has no JSON file: draw its shapes in labelme")
    classes = with_background(sorted(names))
    label = numbered(classes)
    return without_void(classes), [
        Sample(plain(path, source), photograph, path, partial(labels_of, path, label), None, size, content)
        for path, photograph, size, content in found
    ]


def content_of(path):
    with as_written_by("labelme", path):
        return b64decode(load_json(path)["imageData"])


def labels_of(path, label, size):
    """The shapes, each over those before it."""
    picture = Image.new("L", size[::-1])
    with as_written_by("labelme", path):
        shapes = load_json(path)["shapes"]
        if not shapes:
            raise NothingDrawnError(path, "shape")
        for shape in shapes:
            draw_shape(picture, shape, label[name_in(shape["label"])], path)
    return np.array(picture)
