"""The canvas of a street: a camera, a light, and two pictures painted at once, one in colour and one of classes."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tinysegnet.data.camvid import VOID

SCALE = 3               # the picture is painted this much larger and then shrunk: smooth edges
NEAR = 2.5              # metres: what comes nearer than this is cut off


class Canvas:
    """Places are in metres: x to the right of the middle of the road, y above it, z ahead of the camera.

    picture  the photograph to be, SCALE times as large
    labels   the class of each pixel
    """

    def __init__(self, rng, height, width):
        self.rng, self.height, self.width = rng, height, width
        self.picture = Image.new("RGB", (width * SCALE, height * SCALE))
        self.labels = Image.new("L", (width, height), VOID)
        self.paint, self.mark = ImageDraw.Draw(self.picture), ImageDraw.Draw(self.labels)
        self.focal = width * rng.uniform(0.8, 1.1)
        self.horizon = height * rng.uniform(0.38, 0.5)
        self.centre = width * rng.uniform(0.4, 0.6)
        self.eye = rng.uniform(1.3, 2.0)
        self.bend = rng.uniform(-0.004, 0.004)              # of the street, to one side
        self.light = rng.uniform(0.8, 1.2)
        self.tint = 1 + rng.normal(0, 0.03, 3)
        self.haze = rng.uniform(0.001, 0.01)                # per metre
        overcast = np.full(3, rng.uniform(170, 230))
        self.sky = np.clip(overcast + rng.uniform(0, 1) * np.array([-70, -20, 30]), 0, 255)
        self.sun = rng.choice([-1, 1])                      # the side that it shines on

    def project(self, x, y, z):
        """Where a place is seen: (column, row), in pixels of the labels."""
        x = x + self.bend * z * z
        return self.centre + self.focal * x / z, self.horizon + self.focal * (self.eye - y) / z

    def colour(self, rgb, z):
        """A colour as it looks from z metres away, in this light and haze."""
        veil = 1 - float(np.exp(-self.haze * z))
        seen = (
            of_thing * self.light * tint * (1 - veil) + of_sky * self.light * veil
            for of_thing, tint, of_sky in zip(np.asarray(rgb).tolist(), self.tint.tolist(), self.sky.tolist())
        )
        return tuple(int(min(max(value, 0), 255)) for value in seen)

    def polygon(self, places, rgb, label, seam=False):
        """Paint a polygon of (x, y, z); with label None on the picture alone. A seam is an outline of void."""
        outline = np.array([self.project(*place) for place in places])
        z = float(np.mean([place[2] for place in places]))
        self.paint.polygon(flat(outline * SCALE), self.colour(rgb, z))
        if label is not None:
            self.mark.polygon(flat(outline - 0.5), label, VOID if seam else None)

    def ellipse(self, x, y, z, rx, ry, rgb, label):
        u, v = self.project(x, y, z)
        across, up = self.focal / z * rx, self.focal / z * ry
        box = np.array([u - across, v - up, u + across, v + up])
        self.paint.ellipse(flat(box * SCALE), self.colour(rgb, z))
        if label is not None and min(rx, ry) * self.focal / z > 0.3:
            self.mark.ellipse(flat(box - 0.5), label)

    def upright(self, x0, x1, y0, y1, z, rgb, label, seam=False):
        """A rectangle that faces the camera."""
        self.polygon([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], rgb, label, seam)

    def wall(self, x, y0, y1, z0, z1, rgb, label, seam=False):
        """A rectangle along the street."""
        steps = np.linspace(max(z0, NEAR), max(z1, NEAR), 5)
        self.polygon([(x, y0, z) for z in steps] + [(x, y1, z) for z in steps[::-1]], rgb, label, seam)

    def floor(self, x0, x1, z0, z1, rgb, label):
        """A strip of ground along the street."""
        steps = np.geomspace(max(z0, NEAR / 2), z1, 8)
        self.polygon([(x0, 0, z) for z in steps] + [(x1, 0, z) for z in steps[::-1]], rgb, label)

    def shadow(self, places, strength):
        """Darken a polygon of the picture, with a soft edge."""
        mask = Image.new("L", self.picture.size)
        outline = np.array([self.project(*place) for place in places])
        ImageDraw.Draw(mask).polygon(flat(outline * SCALE), int(255 * strength))
        self.picture.paste((5, 5, 20), mask=mask.filter(ImageFilter.GaussianBlur(SCALE)))

    def develop(self):
        """The photograph: shrunk, a little soft, darker towards the corners, stained and noisy. uint8 (H, W, 3)."""
        rng, size = self.rng, (self.width, self.height)
        small = self.picture.resize(size, Image.Resampling.BOX)
        pixels = np.asarray(small.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.6))), np.float64)
        v, u = np.mgrid[-1 : 1 : self.height * 1j, -1 : 1 : self.width * 1j]
        pixels *= (1 - rng.uniform(0, 0.25) * (u * u + v * v) / 2)[..., None]
        stains = rng.normal(128, 30, (self.height // 8 + 2, self.width // 8 + 2)).clip(0, 255).astype(np.uint8)
        stains = np.asarray(Image.fromarray(stains).resize(size, Image.Resampling.BICUBIC), np.float64)
        pixels += 0.12 * (stains - 128)[..., None] + rng.normal(0, rng.uniform(2, 6), pixels.shape)
        return pixels.clip(0, 255).astype(np.uint8)


def flat(points):
    return points.ravel().tolist()
