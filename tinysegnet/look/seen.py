"""What a network computes on its way from a photograph to its scores: an `ops` that keeps the maps as they pass."""

import math
from dataclasses import dataclass, field

import numpy as np

from tinysegnet import inference
from tinysegnet.data.images import resize_photograph, scaled
from tinysegnet.data.normalisation import normalise
from tinysegnet.look.ways_up import CORNERS, WAYS
from tinysegnet.ops.fast import ops_with
from tinysegnet.support.shapes import ceil_div

CONVOLUTIONS = "conv2d", "depthwise_conv2d", "conv_transpose2d"
PIXELS, LONGEST = 180 * 240, 720        # at the most: more would not fit on the page, and would make it slow


@dataclass
class Layer:
    """A convolution, with its batch norm folded in, and what goes into it and comes out.

    name     of its parameters: "encoder1"
    kind     of CONVOLUTIONS
    x, y     (H, W, C), (H, W, F); y is before a ReLU
    w, b     (K, K, C, F), of a depthwise one (K, K, C); (F,)
    of       what x is: "photograph", "map", "pool" or "unpool"; "others" if, for one, two maps were joined
    level    how many times y's map has been halved
    relu     whether a ReLU follows
    pool     the number of the pooling that y then goes into, or None
    unpool   the number of the pooling by whose corners x was unpooled, or None
    """

    name: str
    kind: str
    x: np.ndarray
    y: np.ndarray
    w: np.ndarray
    b: np.ndarray
    of: str
    level: int
    unpool: int | None
    relu: bool = False
    pool: int | None = None


@dataclass
class Seen:
    """What a model computes in one look at a photograph.

    photograph  uint8 (H, W, 3), as the network sees it
    scores      (H, W, classes): logits
    layers      [Layer], in the order in which they are computed
    corners     [uint8 (h, w, C)] of each pooling: see ops/pool.py
    """

    photograph: np.ndarray
    scores: np.ndarray
    layers: list
    corners: list


def look(model, photograph, way=CORNERS):
    """What the network computes in a photograph, uint8 (H, W, 3), brought to the size at which the page shows it.

    way  of WAYS, in the place of its unpooling
    """
    photograph = resize_photograph(photograph, size_shown(model, photograph.shape[:2]))
    x = normalised(model, photograph)
    keeper = Keeper(model.folded, x, WAYS[way])
    scores = model.network.predict(model.folded, None, x, keeper.ops())
    return Seen(photograph, scores[0], keeper.layers, keeper.corners)


def normalised(model, photograph):
    """x (1, H, W, 3) of a photograph, in the dtype of the parameters."""
    x = normalise(photograph[None], np, model.meta["normalisation"])
    return x.astype(next(iter(model.params.values())).dtype)


def size_shown(model, size):
    """(H, W) at which a photograph is seen here: as `predict` sees it, but of no more than PIXELS and LONGEST."""
    seen = inference.size_seen(model, size)
    factor, least = min(1, (PIXELS / math.prod(seen)) ** 0.5), 2**model.network.levels
    return tuple(max(least, min(side, LONGEST)) for side in scaled(seen, factor))     # a strip is shortened


@dataclass
class Keeper:
    """Keeps what an `ops` computes. What an operation returns is the very array that the next one takes, and so it is
    known whence that came."""

    params: dict
    image: np.ndarray
    others: dict                                        # operations in the place of the usual ones
    layers: list = field(default_factory=list)
    corners: list = field(default_factory=list)
    poolings: dict = field(default_factory=dict)        # {id of an array of corners: the number of the pooling}
    came: dict = field(default_factory=dict)            # {id of an array: (how it came, of which layer or pooling)}
    alive: list = field(default_factory=list)           # these arrays: an id is that of no other as long as they live

    def ops(self):
        """The operations, which note what they do."""
        self.names = {id(array): name.removesuffix(".b").removesuffix(".conv") for name, array in self.params.items()}
        self.usual = ops_with(**self.others)
        self.note(self.image, "photograph", None)
        mine = {kind: self.convolution(kind) for kind in CONVOLUTIONS}
        return ops_with(**self.others | mine | {
            "relu": self.relu, "max_pool": self.max_pool, "max_unpool": self.max_unpool,
        })

    def note(self, array, how, of):
        self.came[id(array)] = how, of
        self.alive.append(array)

    def convolution(self, kind):
        def convolve(x, w, b, *shape):
            y, cache = getattr(self.usual, kind)(x, w, b, *shape)
            how, of = self.came.get(id(x), ("others", None))
            unpool = of if how == "unpool" else None
            layer = Layer(self.names[id(b)], kind, x[0], y[0], w, b, how, self.level(y), unpool)
            self.layers.append(layer)
            self.note(y, "map", layer)
            return y, cache

        return convolve

    def level(self, y):
        """Halving rounds up, so that no logarithm of the sides tells it."""
        sides = self.image.shape[1:3]
        levels = range(len(self.poolings) + 1)
        return next(n for n in levels if tuple(ceil_div(side, 2**n) for side in sides) == y.shape[1:3])

    def relu(self, x):
        y, cache = self.usual.relu(x)
        _, layer = self.came.get(id(x), (None, None))
        if layer:
            layer.relu = True
        self.note(y, "map", layer)
        return y, cache

    def max_pool(self, x):
        y, corners = self.usual.max_pool(x)
        _, layer = self.came.get(id(x), (None, None))
        if layer:
            layer.pool = len(self.corners)
        self.poolings[id(corners)] = len(self.corners)
        self.corners.append(corners[0])
        self.alive.append(corners)
        self.note(y, "pool", None)
        return y, corners

    def max_unpool(self, x, corners, shape):
        y = self.usual.max_unpool(x, corners, shape)
        self.note(y, "unpool", self.poolings.get(id(corners)))      # None if they are others than a pooling's
        return y
