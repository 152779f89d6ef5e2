"""The page as files that need no program: what it may ask of the streets is computed beforehand.

A browser lets a page from a folder load scripts and nothing else, so the arrays are in scripts, as text: the network's,
and those of each street and way up. Numbers are rounded to 7 bits, which a page of less than 8 MB asks for.
"""

import base64
import gzip
import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np

from tinysegnet.look.views import STREETS
from tinysegnet.look.ways_up import CORNERS, WAYS
from tinysegnet.support.errors import InputError, writing

PAGE = Path(__file__).parent / "page"
APART = 16          # pixels between those of which the gradient is computed beforehand


def write(folder, views):
    """Write the page of the streets of Views into a new folder. Raises InputError if it is there, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError(f"{folder} is already there: name another folder, or move it away")
    with writing(folder):
        folder.mkdir(parents=True)
        try:
            write_files(folder, views)
        except BaseException:           # Ctrl-C too: half a page would be taken for one
            shutil.rmtree(folder, ignore_errors=True)
            raise


def write_files(folder, views):
    for path in PAGE.iterdir():
        if not path.name.startswith("source_"):
            shutil.copyfile(path, folder / path.name)
    titles = json.dumps([{"name": name, "title": views.streets[name].title} for name in STREETS])
    source = (PAGE / "source_static.js").read_text(encoding="utf-8")
    (folder / "source.js").write_text(source.replace("IMAGES", titles), encoding="utf-8")
    script(folder, "network", network(views))
    for name in STREETS:
        for way in WAYS:
            script(folder, f"{name}-{way}", street(views, name, way))


def script(folder, name, content):
    text = json.dumps({"name": name, **content}, separators=(",", ":"))
    (folder / f"{name}.js").write_text(f"source.arrived({text});\n", encoding="utf-8")


def network(views):
    """The parameters, which all streets have in common."""
    layers = views.seen(next(iter(STREETS)), CORNERS).layers
    arrays = {f"{layer.name}.{part}": packed(getattr(layer, part), 16) for layer in layers for part in "wb"}
    return {"arrays": arrays}


def street(views, name, way):
    """What the page may ask of a street seen in one way, as JSON can hold it: of others than the corners, what differs.
    """
    seen, arrays = views.seen(name, way), {}
    names = ["probabilities", *(f"{layer.name}.{part}" for layer in seen.layers for part in "xy")]
    names += ["photograph", *(f"corners.{number}" for number in range(len(seen.corners)))]
    names += ["truth"] if views.has_truth(name, way) else []
    for which in names:
        array = views.array(name, way, which)
        if way == CORNERS or not np.array_equal(array, views.array(name, CORNERS, which)):
            arrays[which] = packed(array)
    pairs = [(before, layer) for before, layer in pairwise(seen.layers) if np.array_equal(layer.x, before.y)]
    same = {f"{layer.name}.x": f"{before.name}.y" for before, layer in pairs}
    arrays |= {x: {"same": y} for x, y in same.items() if x in arrays}
    gradients = [gradient(views, name, way, *pixel) for pixel in pixels(seen)] if way == CORNERS else []
    return {"about": views.about(name, way), "arrays": arrays, "gradients": gradients}


def pixels(seen):
    """Those of a grid, each with its best class: (row, column, label)."""
    H, W, _ = seen.scores.shape
    labels = seen.scores.argmax(axis=2)
    return [(r, q, int(labels[r, q])) for r in range(0, H, APART) for q in range(0, W, APART)]


def gradient(views, name, way, row, column, label):
    """That of a pixel, of the receptive field alone."""
    array, (top, left, bottom, right) = views.gradient(name, way, row, column, label)
    about = {"row": row, "column": column, "label": label, "field": [top, left, bottom, right]}
    return about | {"shape": array.shape, **packed(array[top:bottom, left:right, None])}


def packed(array, bits=7):
    """An array (..., C) as text. The numbers of a channel become multiples of one number, its scale, that fit into so
    many bits with their sign; whole numbers stay what they are. What is kept, channel after channel, are the
    differences from one multiple to the next, which pack well.
    """
    channels = np.moveaxis(array, -1, 0).reshape(array.shape[-1], -1)           # (C, ...)
    kind, scale = "uint8", np.ones(len(channels))
    if array.dtype != np.uint8:
        kind, most = "int8" if bits <= 8 else "int16", 2 ** (bits - 1) - 1
        scale = np.maximum(np.abs(channels).max(axis=1), 1e-30) / most
    multiples = np.round(channels / scale[:, None]).astype(np.dtype(kind).newbyteorder("<"))
    differences = np.diff(multiples, axis=1, prepend=np.zeros_like(multiples[:, :1]))
    data = base64.b64encode(gzip.compress(differences.tobytes(), 9, mtime=0)).decode("ascii")
    return {"shape": array.shape, "kind": kind, "scale": [float(f"{s:.9g}") for s in scale], "data": data}
