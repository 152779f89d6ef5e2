"""Shapes in labels: labelme's, polygons as COCO has them, regions of Label Studio."""

import math
from base64 import b64decode

import numpy as np
from PIL import Image, ImageDraw

from tinysegnet.data.photographs import decoded
from tinysegnet.importers.run_lengths import brush, run_lengths

FARTHEST = 1e5      # pixels: what is drawn farther out is a damaged file
CORNERS = {         # of labelme's shapes, at least
    "polygon": 3, "oriented_rectangle": 4, "rectangle": 2, "circle": 2, "line": 2, "linestrip": 2, "point": 1,
    "mask": 2,
}


def points_of(values, least=1):
    """Points as float64 (n, 2), x and y in pixels, of pairs or of numbers in a row.

    Raises ValueError unless there are so many at least.
    """
    try:
        points = np.array(values, np.float64)
        points = points.reshape(-1, 2) if points.ndim < 2 else points
    except (TypeError, ValueError) as error:
        raise ValueError("points that are no pairs of numbers") from error
    if points.shape[1:] != (2,) or len(points) < least:
        raise ValueError(f"{len(points)} points, where there must be {least} or more, of two numbers each")
    if not (np.abs(points) < FARTHEST).all():           # nor is a NaN
        raise ValueError("a point is at no certain place")
    return points


def draw_shape(picture, shape, label, path):
    """Draw a shape of labelme's, in the file at `path`, on a PIL image: a line 10 pixels wide, a point of radius 5.

    Raises ValueError if it is damaged.
    """
    kind = shape.get("shape_type") or "polygon"
    if kind not in CORNERS:
        raise ValueError(f"a shape of the kind {kind!r}")
    points, pen = points_of(shape["points"], CORNERS[kind]), ImageDraw.Draw(picture)
    corners, (x, y) = [tuple(point) for point in points.tolist()], points[0]
    low, high = points.min(axis=0), points.max(axis=0)
    if kind in ("circle", "point"):
        radius = math.dist(*corners[:2]) if kind == "circle" else 5
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=label, outline=label)
    elif kind == "rectangle":
        pen.rectangle((*low, *high), fill=label, outline=label)
    elif kind in ("line", "linestrip"):
        pen.line(corners, fill=label, width=10)
    elif kind == "mask":
        mask = decoded(path, b64decode(shape["mask"]))
        if mask.size != tuple((high.astype(int) - low.astype(int) + 1).tolist()):
            raise ValueError("a mask of another size than its corners say")
        picture.paste(label, tuple(low.astype(int).tolist()), Image.fromarray(np.array(mask) > 0))
    else:
        pen.polygon(corners, fill=label, outline=label)


def outlined(annotation, size):
    """bool (H, W): the pixels of an annotation of COCO's, by its run lengths or all its polygons."""
    outline = annotation["segmentation"]
    if isinstance(outline, dict):
        return run_lengths(outline, size)
    return np.logical_or.reduce([polygon(points_of(points, 3), size) for points in outline])


def polygon(points, size):
    """bool (H, W): the pixels inside a polygon, (n, 2) of x and y, to the pixel those of pycocotools (its rleFrPoly).

    Each edge is walked in steps of a fifth of a pixel. Where it crosses the middle of a column, what is inside becomes
    outside, and the other way round, from that row on down.
    """
    H, W = size
    corners = np.trunc(5 * points + 0.5).astype(int)
    first, last = np.clip((corners[:, 0].min() // 5, corners[:, 0].max() // 5 + 1), 0, W)     # columns that it touches
    changes = np.zeros((last - first) * H + 1, int)
    for start, end in zip(corners, np.roll(corners, -1, axis=0)):
        longer = np.abs(end - start).argmax()
        low, high = sorted((start, end), key=lambda corner: corner[longer])
        steps = np.arange(high[longer] - low[longer] + 1)
        walk = np.trunc(low + np.outer(steps, (high - low) / max(1, steps[-1])) + 0.5).astype(int)
        walk[:, longer] = low[longer] + steps
        left, upper = np.minimum(walk[1:], walk[:-1]).T
        crosses = (walk[1:, 0] != walk[:-1, 0]) & (left % 5 == 2) & (5 * first <= left) & (left < 5 * last)
        rows = np.ceil(np.clip((upper[crosses] + 0.5) / 5 - 0.5, 0, H)).astype(int)
        np.add.at(changes, (left[crosses] // 5 - first) * H + rows, 1)
    inside = np.zeros(size, bool)
    inside[:, first:last] = (changes[:-1].cumsum() % 2 == 1).reshape(last - first, H).T
    return inside


def region(one, size):
    """bool (H, W): the pixels of a region of Label Studio's, whose places are in % of the picture.

    Raises ValueError if it is of another size, or of a kind other than brush, polygon, rectangle.
    """
    H, W = size
    value, kind = one["value"], one["type"]
    if (one["original_height"], one["original_width"]) != size or one.get("image_rotation"):
        raise ValueError(f"a region that is not of {H}x{W} pixels (height x width), upright")
    if kind == "brushlabels":
        return brush(value["rle"], size)
    if kind == "polygonlabels":
        points = points_of(value["points"], 3)
    elif kind == "rectanglelabels":
        x, y, width, height = (value[key] for key in ("x", "y", "width", "height"))
        a = math.radians(value.get("rotation", 0))          # clockwise, about the upper left corner
        across, down = (math.cos(a), math.sin(a)), (-math.sin(a), math.cos(a))
        sides = np.array([(0, 0), (width * W, 0), (width * W, height * H), (0, height * H)])
        points = points_of((sides @ [across, down] + [x * W, y * H]) / [W, H], 4)
    else:
        raise ValueError(f"a region of the kind {kind!r}")
    return polygon(points_of(points * [W / 100, H / 100]), size)
