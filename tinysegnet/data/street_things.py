"""What stands along a street, and how each thing is painted: a handful of polygons and ellipses with a class."""

import numpy as np

from tinysegnet.data.camvid import CLASSES
from tinysegnet.data.street_canvas import NEAR

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(len(CLASSES))

STONES = [(170, 150, 125), (150, 110, 90), (175, 130, 100), (150, 80, 65), (205, 185, 150), (130, 95, 80)]
FENCES = [(120, 85, 45), (75, 95, 85), (60, 85, 70), (100, 70, 45)]
PLATES = [(200, 30, 30), (30, 60, 170), (230, 190, 40), (235, 235, 235)]
SHIRTS = [(190, 40, 60), (40, 70, 170), (150, 50, 140), (60, 150, 170), (225, 215, 215)]
VESTS = [(200, 225, 50), (235, 120, 40)]        # bicyclists want to be seen
TROUSERS = [(60, 75, 140), (120, 100, 75)]
TYRE = (25, 25, 28)


def one_of(rng, colours):
    return np.array(colours[rng.integers(len(colours))])


def stone(rng):
    return one_of(rng, STONES) * rng.uniform(0.8, 1.2) + rng.normal(0, 8, 3)


def leaf(rng):
    green = np.array([75, 100, 50]) * rng.uniform(0.7, 1.15) + rng.normal(0, 5, 3)
    autumn = rng.uniform(0, 0.5) if rng.random() < 0.15 else 0
    return green * (1 - autumn) + np.array([150, 90, 30]) * autumn


def house(canvas, side, x, z0, z1):
    """side -1 or 1; its front is x metres from the middle of the road and goes from z0 to z1."""
    rng, x = canvas.rng, side * x
    top, walls, glass = rng.uniform(5, 14), stone(rng), np.array([60, 70, 85]) * rng.uniform(0.5, 2.0)
    front, end = (1.0, 0.7) if side == canvas.sun else (0.7, 1.0)
    storeys = np.arange(1.0, top - 1.8, rng.uniform(2.6, 3.4))
    canvas.upright(x, x + side * 12, 0, top, z0, walls * end, BUILDING)
    if z0 > 6:
        for y in storeys:
            for u in np.arange(0.8, 10, 2.2):
                canvas.upright(x + side * u, x + side * (u + 1), y, y + 1.5, z0, glass * end, None)
    canvas.wall(x, 0, top, z0, z1, walls * front, BUILDING, seam=True)
    if rng.random() < 0.5:
        canvas.wall(x, top * 0.94, top, z0, z1, walls * front * 0.7, None)
    pane = rng.uniform(0.8, 1.5)
    for y in storeys:
        for z in np.arange(z0 + 0.8, z1 - pane, pane * rng.uniform(1.6, 2.4)):
            lit = np.array([240, 220, 150]) if rng.random() < 0.06 else glass * rng.uniform(0.7, 1.3) * front
            if z > NEAR:
                canvas.wall(x, y, y + 1.5, z, z + pane, lit, None)


def tree(canvas, x, z, size):
    rng, green, r = canvas.rng, leaf(canvas.rng), 0.16 * size
    canvas.upright(x - r, x + r, 0, 3.2 * size, z, np.array([75, 60, 50]) * rng.uniform(0.7, 1.2), TREE)
    for layer, radius in enumerate((0.75, 0.45, 0.28)):         # smaller and brighter towards the eye
        for _ in range(14 + 10 * layer):
            dx, dy = rng.normal(0, (0.9 * size, 0.7 * size))
            lit = 0.75 + 0.17 * layer + 0.2 * np.tanh(dy - canvas.sun * dx / 2) + rng.normal(0, 0.05)
            canvas.ellipse(x + dx, 4.0 * size + dy, z, radius * size, 0.85 * radius * size, green * lit, TREE)


def fence(canvas, side, x, z0, z1):
    rng, x = canvas.rng, side * x
    top, wood = rng.uniform(1.2, 1.8), one_of(rng, FENCES) * rng.uniform(0.7, 1.2)
    canvas.wall(x, 0, top, z0, z1, wood, FENCE)
    for z in np.arange(max(z0, NEAR), z1, 0.35):
        canvas.wall(x, 0.05, top * 0.9, z, z + 0.15, wood * 0.6, None)


def lamp(canvas, x, z):
    rng = canvas.rng
    metal, top, r = np.full(3, rng.uniform(40, 75)), rng.uniform(4.5, 7), rng.uniform(0.2, 0.26)
    arm = x - np.sign(x) * rng.uniform(0.8, 1.6)                # over the road
    canvas.upright(x - r, x + r, 0, top, z, metal, POLE)
    canvas.upright(min(x, arm), max(x, arm), top - 2 * r, top, z, metal, POLE)
    canvas.upright(arm - 0.3, arm + 0.3, top - 0.35, top - 0.1, z, metal * 1.3, POLE)


def sign(canvas, x, z):
    """A disc, a triangle, a board or a traffic light, on its pole."""
    rng = canvas.rng
    top, r = rng.uniform(2.0, 2.8), rng.uniform(0.7, 0.95)
    plate, inner = (PLATES[i] for i in rng.permutation(len(PLATES))[:2])
    canvas.upright(x - 0.15, x + 0.15, 0, top, z, np.full(3, rng.uniform(40, 75)), POLE)
    match rng.integers(4):
        case 0:
            canvas.ellipse(x, top + 0.6 * r, z, r, r, plate, SIGN)
            canvas.ellipse(x, top + 0.6 * r, z, 0.7 * r, 0.7 * r, inner, None)
        case 1:
            canvas.polygon([(x - r, top, z), (x + r, top, z), (x, top + 1.8 * r, z)], plate, SIGN)
            within = [(x - r / 2, top + r / 4, z), (x + r / 2, top + r / 4, z), (x, top + 1.2 * r, z)]
            canvas.polygon(within, inner, None)
        case 2:
            canvas.upright(x - r, x + r, top, top + 1.6 * r, z, plate, SIGN)
            canvas.upright(x - 0.8 * r, x + 0.8 * r, top + 0.3 * r, top + 1.3 * r, z, inner, None)
        case 3:
            canvas.upright(x - 0.45, x + 0.45, top, top + 1.6, z, (35, 35, 35), SIGN)
            shining = rng.integers(3)
            for i, light in enumerate([(40, 200, 90), (230, 170, 30), (230, 40, 30)]):
                rgb = np.array(light) * (1.0 if i == shining else 0.4)
                canvas.ellipse(x, top + 0.3 + 0.45 * i, z, 0.18, 0.18, rgb, None)


def car(canvas, x, z):
    """Its rear is z metres ahead; of its sides one sees the one towards the middle of the road."""
    rng = canvas.rng
    paint = rng.uniform(20, 235, 3) if rng.random() < 0.5 else np.full(3, rng.uniform(20, 230))
    glass = np.array([45, 55, 65]) * rng.uniform(0.6, 1.6)
    w, waist, roof, back = 0.85, rng.uniform(0.75, 0.95), rng.uniform(1.4, 1.75), z + rng.uniform(3.6, 4.6)
    side = x - np.sign(x) * w
    canvas.floor(x - 1.1 * w, x + 1.1 * w, z - 0.2, back, (25, 25, 25), None)              # its shadow
    windows = [(waist, z + 0.5), (roof, z + 1.1), (roof, back - 0.9), (waist, back - 0.2)]
    canvas.polygon([(side, y, place) for y, place in windows], glass * 0.9, CAR)
    canvas.wall(side, 0.25, waist, z, back, paint * 0.8, CAR)
    for middle in (z + 0.75, back - 0.75):
        rim = [(side, 0.32 + 0.32 * np.sin(a), middle + 0.32 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 12)]
        canvas.polygon(rim, TYRE, CAR)
    for inset, rgb, label in ((0.0, paint * 0.9, CAR), (0.1, glass, None)):                 # the hatch and its window
        low, high, y, top = w * (1 - 1.5 * inset), w * (0.8 - inset), waist + inset / 2, roof - inset
        end = z + 0.9 - inset
        canvas.polygon([(x - low, y, z), (x + low, y, z), (x + high, top, end), (x - high, top, end)], rgb, label)
    canvas.upright(x - w, x + w, 0.25, waist, z, paint, CAR, seam=rng.random() < 0.5)
    canvas.upright(x - w, x + w, 0.2, 0.4, z, paint * 0.5, CAR)
    canvas.upright(x - 0.28, x + 0.28, 0.45, 0.58, z, (235, 225, 170), None)
    for s in (-1, 1):
        canvas.upright(*sorted((x + s * 0.6 * w, x + s * 0.95 * w)), waist - 0.3, waist - 0.1, z, (220, 60, 50), None)
        canvas.upright(*sorted((x + s * 0.65 * w, x + s * 0.95 * w)), 0, 0.3, z, TYRE, CAR)


def person(canvas, x, y, z, size, clothes, label):
    """Torso, arms and head, from y upwards."""
    rng = canvas.rng
    shirt, skin = one_of(rng, clothes) * rng.uniform(0.8, 1.1), np.array([205, 160, 130]) * rng.uniform(0.4, 1.1)
    w, shoulder = 0.26 * size, y + 0.6 * size
    canvas.polygon([(x - w, y, z), (x + w, y, z), (x + 1.1 * w, shoulder, z), (x - 1.1 * w, shoulder, z)], shirt, label)
    for s in (-w, w):
        arm = [(x + s, shoulder, z), (x + 1.45 * s, shoulder - 0.1, z), (x + 1.4 * s, y, z), (x + 1.1 * s, y, z)]
        canvas.polygon(arm, shirt * 0.85, label)
    canvas.ellipse(x, y + 0.76 * size, z, 0.13 * size, 0.16 * size, skin, label)
    hair = np.array([60, 45, 35]) * rng.uniform(0.4, 2.5)
    canvas.ellipse(x, y + 0.83 * size, z, 0.13 * size, 0.1 * size, hair, label)


def pedestrian(canvas, x, z):
    rng = canvas.rng
    size, stride = rng.uniform(0.95, 1.15), rng.uniform(0.02, 0.25)
    trousers = one_of(rng, TROUSERS) * rng.uniform(0.7, 1.3)
    for s in (-1, 1):
        hip, foot = x + s * np.array([0.02, 0.22]), x + s * np.array([stride + 0.14, stride])
        canvas.polygon(
            [(hip[0], 0.85 * size, z), (hip[1], 0.85 * size, z), (foot[0], 0, z), (foot[1], 0, z)], trousers, PEDESTRIAN
        )
    person(canvas, x, 0.8 * size, z, size, SHIRTS, PEDESTRIAN)


def bicyclist(canvas, x, z):
    rng = canvas.rng
    frame, trousers = rng.uniform(20, 200, 3), rng.uniform(15, 140, 3)
    if rng.random() < 0.5:                                      # seen from behind
        canvas.ellipse(x, 0.36, z, 0.09, 0.36, TYRE, BICYCLIST)
        canvas.upright(x - 0.3, x + 0.3, 0.98, 1.06, z, frame, BICYCLIST)
    else:                                                       # crossing the road
        for wheel in (x - 0.55, x + 0.55):
            canvas.ellipse(wheel, 0.36, z, 0.36, 0.36, TYRE, BICYCLIST)
            canvas.ellipse(wheel, 0.36, z, 0.28, 0.28, (105, 105, 105), None)
        places = [(x - 0.55, 0.36, z), (x, 0.42, z), (x + 0.45, 0.95, z), (x - 0.25, 0.9, z)]
        canvas.polygon(places, frame, BICYCLIST)
    for hip, foot in ((x + 0.02, x + 0.17), (x - 0.02, x - 0.17)):
        leg = [(hip - 0.08, 1.0, z), (hip + 0.08, 1.0, z), (foot + 0.06, 0.3, z), (foot - 0.06, 0.3, z)]
        canvas.polygon(leg, trousers, BICYCLIST)
    person(canvas, x, 0.95, z, 0.95, VESTS, BICYCLIST)
