"""Streets: road scenes drawn from a seed, with CamVid's classes and seams of void, for when no data set is there.

A scene is a street as a car sees it. What stands along it is painted from the far end to the near one. Colour is a clue
to the class but not enough: light, haze and shadow change it, cars have any, and clothes, signs and walls share theirs.
What a thing is shows in its shape and its place.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tinysegnet.data import street_things as things
from tinysegnet.data.camvid import CLASSES, PALETTE, VOID
from tinysegnet.data.dataset import DataSet
from tinysegnet.data.street_canvas import NEAR, SCALE, Canvas
from tinysegnet.support.errors import InputError

FAR = 70.0          # metres: where the street ends
SIZE = 96, 128      # of a picture, height and width
TRAIN, VAL = range(240), range(1_000_000, 1_000_040)


def dataset():
    """240 streets to train on and 40 others to judge by. Each is drawn once and then kept."""
    return DataSet("streets", "streets", CLASSES, PALETTE, VOID, samples, lru_cache(None)(scene), recipe="streets")


def samples(split):
    """The seeds of the streets of a split. Raises InputError for a split other than train and val."""
    if split not in ("train", "val"):
        raise InputError(f"streets have no {split} split: take --split val, or name CamVid's folder by --data")
    return TRAIN if split == "train" else VAL


def scene(seed, height=SIZE[0], width=SIZE[1]):
    """One street: its picture, uint8 (H, W, 3), and its labels, uint8 (H, W). The same arguments, the same street."""
    rng = np.random.default_rng(seed)
    canvas = Canvas(rng, height, width)
    road, pavement = rng.uniform(2.8, 4.0), rng.uniform(2.8, 4.2)       # metres; that of the road is half its width
    paint_sky(canvas)
    paint_ground(canvas, road, pavement)
    paint_end(canvas)
    for _, paint, options in sorted(standing(rng, road, pavement), key=lambda thing: -thing[0]):
        paint(canvas, **options)
    return canvas.develop(), with_seams(np.array(canvas.labels))


def with_seams(labels):
    """Void around small things: the last pixel of what is behind them, where no one who draws labels is exact."""
    thing = np.isin(labels, (things.POLE, things.SIGN, things.CAR, things.PEDESTRIAN, things.BICYCLIST))
    near = np.pad(thing, 1)
    beside = near[:-2, 1:-1] | near[2:, 1:-1] | near[1:-1, :-2] | near[1:-1, 2:]
    return np.where(beside & ~thing, np.uint8(VOID), labels)


def standing(rng, road, pavement):
    """What stands along the street: (depth, how to paint it, with what arguments) of each thing."""
    for side in (-1, 1):
        front, z = road + pavement, NEAR
        while z < FAR:                                                  # houses, with yards and parks between them
            z1 = z + rng.uniform(5, 14)
            kind = rng.choice(["house", "yard", "park"], p=[0.6, 0.2, 0.2])
            if kind == "house":
                yield z, things.house, dict(side=side, x=front + rng.uniform(0, 2), z0=z, z1=z1)
            else:
                if kind == "yard" or rng.random() < 0.5:
                    yield z, things.fence, dict(side=side, x=front + 0.1, z0=z, z1=z1)
                for at in rng.uniform(z, z1, rng.integers(2, 5)):
                    x = side * (front + rng.uniform(1.5, 6))
                    yield at, things.tree, dict(x=x, z=at, size=rng.uniform(0.8, 1.5))
            z = z1
        if rng.random() < 0.35:                                         # a railing at the kerb
            z = rng.uniform(4, 20)
            yield z, things.fence, dict(side=side, x=road + 0.3, z0=z, z1=z + rng.uniform(4, 10))
        for z in np.arange(rng.uniform(4, 8), 24, rng.uniform(8, 14)):
            if rng.random() < 0.35:
                yield z, things.tree, dict(x=side * (road + 0.8), z=z, size=rng.uniform(0.6, 1.0))
            else:
                yield z, things.lamp, dict(x=side * (road + 0.5), z=z)
        for z in rng.uniform(5.5, 12, rng.integers(1, 4)):
            yield z, things.sign, dict(x=side * (road + rng.uniform(0.3, 0.6 * pavement)), z=z)
        for z in rng.uniform(6, 12, rng.integers(0, 4)):
            yield z, things.pedestrian, dict(x=side * (road + rng.uniform(0.3, 0.7 * pavement)), z=z)
        if rng.random() < 0.55:                                         # parked
            for z in np.arange(rng.uniform(5, 12), rng.uniform(15, 50), rng.uniform(5.2, 8)):
                if rng.random() < 0.8:
                    yield z, things.car, dict(x=side * (road - 1.0), z=z)
        if rng.random() < 0.6:
            z = rng.uniform(4, 9)
            yield z, things.bicyclist, dict(x=side * rng.uniform(0.3, 0.9) * road, z=z)
    if rng.random() < 0.7:
        z = rng.uniform(7, 35)
        yield z, things.car, dict(x=rng.choice([-1, 1]) * 0.45 * road, z=z)
    for z in rng.uniform(5, 10, rng.integers(0, 2)):                    # crossing the road
        yield z, things.pedestrian, dict(x=rng.uniform(-road, road), z=z)


def paint_sky(canvas):
    rng, (W, H) = canvas.rng, canvas.picture.size
    above, below = canvas.sky * canvas.light * rng.uniform(0.7, 1.0), canvas.sky * canvas.light * 1.1
    ramp = np.linspace(0, 1, H)[:, None] ** 0.7
    rows = (above * (1 - ramp) + below * ramp).clip(0, 255).astype(np.uint8)                # (H, 3)
    canvas.picture.paste(Image.fromarray(np.repeat(rows[:, None], W, axis=1)))
    clouds = Image.new("L", (W, H))
    for _ in range(rng.integers(0, 7)):
        u, v, size = rng.uniform(0, W), rng.uniform(0, canvas.horizon * SCALE), rng.uniform(0.05, 0.25) * W
        for _ in range(6):
            du, dv, r = rng.normal(0, size / 2), rng.normal(0, size / 10), size * rng.uniform(0.1, 0.3)
            box = [u + du - r, v + dv - r / 2, u + du + r, v + dv + r / 2]
            ImageDraw.Draw(clouds).ellipse(box, int(rng.uniform(60, 200)))
    white = tuple(int(value) for value in np.clip(canvas.sky * canvas.light * 1.25, 0, 255))
    canvas.picture.paste(white, mask=clouds.filter(ImageFilter.GaussianBlur(W / 60)))
    ImageDraw.Draw(canvas.labels).rectangle([0, 0, canvas.width, canvas.horizon], things.SKY)


def paint_ground(canvas, road, pavement):
    rng = canvas.rng
    asphalt = np.full(3, rng.uniform(75, 110)) + rng.normal(0, 3, 3)
    slabs = np.array([150, 142, 135]) * rng.uniform(0.85, 1.2) + rng.normal(0, 5, 3)
    paint = np.full(3, rng.uniform(180, 240))
    for side in (-1, 1):
        canvas.floor(side * road, side * 40, 0, FAR, slabs, things.PAVEMENT)
        for z in np.arange(3, 30, rng.uniform(0.8, 2)):                                     # joints
            canvas.floor(side * road, side * (road + pavement), z, z + 0.04, slabs * 0.85, None)
    canvas.floor(-road, road, 0, FAR, asphalt, things.ROAD)
    for x, z in zip(rng.uniform(-road, road - 2, 4), rng.uniform(3, 20, 4)):                # patches
        if rng.random() < 0.5:
            length = rng.uniform(1, 4)
            canvas.floor(x, x + rng.uniform(0.5, 2), z, z + length, asphalt * rng.uniform(0.8, 1.15), None)
    for z in np.arange(rng.uniform(1, 4), 60, 6.0):                                         # the middle line
        canvas.floor(-0.08, 0.08, z, z + 3, paint, None)
    edge_lines = rng.random() < 0.4
    for side in (-1, 1):
        canvas.floor(side * road, side * (road + 0.15), 0, FAR, slabs * 1.2, None)          # kerb
        if edge_lines:
            canvas.floor(side * (road - 0.3), side * (road - 0.18), 0, FAR, paint * 0.95, None)
    if rng.random() < 0.25:                                                                 # a crossing
        z = rng.uniform(6, 14)
        for x in np.arange(-road + 0.3, road - 0.3, 1.0):
            canvas.floor(x, x + 0.5, z, z + 3, paint, None)
    if rng.random() < 0.6:                                                                  # the shadow of the houses
        z, edge = NEAR / 2, []
        while z < FAR:
            x, z1 = canvas.sun * (rng.uniform(0, 1.6) - 1) * (road + pavement), min(z + rng.uniform(3, 12), FAR)
            edge += [(x, 0, z), (x, 0, z1)]
            z = z1
        canvas.shadow([*edge, (-canvas.sun * 40, 0, FAR), (-canvas.sun * 40, 0, NEAR / 2)], rng.uniform(0.25, 0.6))


def paint_end(canvas):
    """Far houses and trees where the street ends."""
    rng, x = canvas.rng, -60.0
    while x < 60:
        width = rng.uniform(6, 18)
        if rng.random() < 0.6:
            canvas.upright(x, x + width, 0, rng.uniform(5, 14), FAR, things.stone(rng), things.BUILDING)
        else:
            for _ in range(6):
                place = x + rng.uniform(0, width), rng.uniform(2, 5), FAR
                canvas.ellipse(*place, 4, rng.uniform(3, 5), things.leaf(rng), things.TREE)
        x += width
