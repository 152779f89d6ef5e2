"""What the page asks for: pictures by their names, what the networks compute in them, and the arrays of that."""

import hashlib
import io
import threading
import warnings
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
from PIL import Image

from tinysegnet import inference
from tinysegnet.data.camvid import CLASSES
from tinysegnet.data.images import resize_photograph
from tinysegnet.data.photographs import upright_photograph
from tinysegnet.data.streets import scene
from tinysegnet.look.input_gradient import input_gradient
from tinysegnet.look.receptive_field import receptive_field
from tinysegnet.look.seen import look, size_shown
from tinysegnet.look.ways_up import WAYS
from tinysegnet.ops import softmax
from tinysegnet.support.errors import InputError

STREETS = {"street-1": 1_000_000, "street-2": 1_000_002, "street-3": 1_000_003}     # their seeds, of val
PHOTOGRAPHS_KEPT, LOOKS_KEPT = 4, 8
LARGEST_FILE, MOST_PIXELS = 20 * 10**6, 40 * 10**6
# Pillow starts a program for some others (EPS), and some hold more pixels than their header says (ICO).
FORMATS = "PNG", "JPEG", "MPO", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000"


class NotThereError(KeyError):
    """There is no picture, way or array of that name."""


class TooLargeError(InputError):
    """A photograph of more bytes or pixels than the page takes."""


class Network(NamedTuple):
    model: inference.Model
    words: str              # which one it is


class Picture(NamedTuple):
    title: str
    pixels: np.ndarray      # uint8 (H, W, 3)
    network: Network        # that looks at it
    truth: np.ndarray | None = None         # labels (H, W), if they are known and the network's


class Views:
    """The pictures and what is seen in them. Several threads may ask at once: one is answered after the other."""

    def __init__(self, of_photographs, of_streets):
        """of_...: the Network that looks at them"""
        self.of_photographs, self.lock = of_photographs, threading.Lock()
        self.streets, classes = {}, of_streets.model.meta["classes"]
        for name, seed in STREETS.items():
            pixels, labels = scene(seed)
            truth = labels if classes == list(CLASSES) else None
            self.streets[name] = Picture(name.replace("-", " "), pixels, of_streets, truth)
        self.photographs, self.looks = OrderedDict(), OrderedDict()

    def images(self):
        pictures = self.streets | self.photographs
        return [{"name": name, "title": picture.title} for name, picture in pictures.items()]

    def add(self, content):
        """The name of a photograph, whose file has that content; the last few are kept.

        Raises InputError if it is none; TooLargeError, before it is decoded, if it is too large.
        """
        name = f"photograph-{hashlib.sha256(content).hexdigest()[:8]}"
        with self.lock:                     # one is decoded at a time: it may have 120 MB
            pixels = read(content)
            pixels = resize_photograph(pixels, size_shown(self.of_photographs.model, pixels.shape[:2]))
            self.photographs[name] = Picture(name.replace("-", " "), pixels, self.of_photographs)
            self.photographs.move_to_end(name)
            if len(self.photographs) > PHOTOGRAPHS_KEPT:
                gone, _ = self.photographs.popitem(last=False)
                self.looks = OrderedDict((key, seen) for key, seen in self.looks.items() if key[0] != gone)
        return name

    def picture(self, name):
        """Raises NotThereError if there is none of that name, or no longer."""
        pictures = self.streets | self.photographs
        if name not in pictures:
            raise NotThereError(name)
        return pictures[name]

    def seen(self, name, way):
        """The Seen of a picture. Raises NotThereError if there is no such picture or way."""
        picture = self.picture(name)
        if way not in WAYS:
            raise NotThereError(way)
        with self.lock:
            if (name, way) not in self.looks:
                self.looks[name, way] = look(picture.network.model, picture.pixels, way)
                if len(self.looks) > LOOKS_KEPT:
                    self.looks.popitem(last=False)
            self.looks.move_to_end((name, way))
            return self.looks[name, way]

    def about(self, name, way):
        """What JSON can hold of a Seen: all but the arrays."""
        seen, network = self.seen(name, way), self.picture(name).network
        meta = network.model.meta
        layers = [
            {
                "name": layer.name, "kind": layer.kind, "of": layer.of, "level": layer.level, "relu": layer.relu,
                "pool": layer.pool, "unpool": layer.unpool, "channels": layer.y.shape[2],
                "norm": f"{layer.name}.norm.gamma" in network.model.params,
            }
            for layer in seen.layers
        ]
        return {
            "network": meta["network"]["name"], "words": network.words, "size": seen.photograph.shape[:2],
            "classes": meta["classes"], "palette": meta["palette"], "layers": layers,
            "truth": self.has_truth(name, way), "normalisation": meta["normalisation"],
        }

    def has_truth(self, name, way):
        truth = self.picture(name).truth
        return truth is not None and truth.shape == self.seen(name, way).photograph.shape[:2]

    def array(self, name, way, which):
        """One of a Seen's, by its name:  photograph   truth   probabilities   corners.0   encoder1.x   (and y, w, b)

        Raises NotThereError if there is none.
        """
        seen = self.seen(name, way)
        arrays = {f"{layer.name}.{part}": getattr(layer, part) for layer in seen.layers for part in "xywb"}
        arrays |= {f"corners.{number}": corners for number, corners in enumerate(seen.corners)}
        arrays["photograph"] = seen.photograph
        if self.has_truth(name, way):
            arrays["truth"] = self.picture(name).truth[:, :, None]
        if which == "probabilities":
            return softmax(seen.scores)
        if which not in arrays:
            raise NotThereError(which)
        return arrays[which]

    def gradient(self, name, way, row, column, label):
        """|d score / d input|, (H, W), and the receptive field. Raises NotThereError, also beyond the picture."""
        seen, model = self.seen(name, way), self.picture(name).network.model
        if not (0 <= row < seen.scores.shape[0] and 0 <= column < seen.scores.shape[1]
                and 0 <= label < seen.scores.shape[2]):
            raise NotThereError(f"{row}, {column}, {label}")
        with self.lock:
            top, left, bottom, right = receptive_field(model, seen.scores.shape[:2], row, column, way=way)
            gradient = input_gradient(model, seen.photograph, row, column, label, way)
        inside = np.zeros_like(gradient)            # Fourier's rounding leaves a billionth everywhere
        inside[top:bottom, left:right] = gradient[top:bottom, left:right]
        return inside, (top, left, bottom, right)


def read(content):
    """The photograph, uint8 (H, W, 3), in a file of that content. Raises as Views.add does."""
    if len(content) > LARGEST_FILE:
        raise TooLargeError(f"The file has more than {LARGEST_FILE // 10**6} MB: give a smaller one.")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content)) as image:
            pixels, kind = image.width * image.height, image.format
    except Image.DecompressionBombError:
        pixels, kind = MOST_PIXELS + 1, None
    except Exception:                               # upright_photograph says in words what it is instead
        pixels, kind = 0, FORMATS[0]
    if pixels > MOST_PIXELS:
        raise TooLargeError(f"The photograph has more than {MOST_PIXELS // 10**6} million pixels: give a smaller one.")
    if kind not in FORMATS:
        raise InputError(f"The photograph is of the kind {kind}: save it as JPEG or PNG.")
    return upright_photograph("The photograph", content)[0]
