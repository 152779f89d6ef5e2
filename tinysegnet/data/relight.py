"""Light of another hour, as data augmentation: a dusk made of a day, and a noon made of a dusk."""

import numpy as np
from PIL import Image, ImageFilter

WARMTH, NOISE = 1 / 3, 0.05         # at strength 1
BLURRED = 0.25                      # of the photographs


def relight(photograph, strength, rng):
    """A photograph as another light, and another camera, would have made it.

    photograph  uint8 (H, W, 3)
    strength    s, 0.5 say. Drawn from [exp(-s), exp(s)] are a gamma, an exposure and a contrast, and from a third of
                that how much redder the light is; then noise of up to 0.05 s of the range, and of every fourth
                photograph a blur of up to a pixel
    """
    gamma, exposure, contrast, warmth = np.exp(strength * rng.uniform(-1, 1, 4) * (1, 1, 1, WARMTH))
    blur, noise = rng.uniform(0, 1, 2)
    if rng.random() < BLURRED:
        photograph = np.asarray(Image.fromarray(photograph).filter(ImageFilter.GaussianBlur(float(blur))))
    x = (photograph / np.float32(255)) ** np.float32(gamma)
    x = x * np.array([exposure * warmth, exposure, exposure / warmth], np.float32)
    mean = x.mean()
    x = (x - mean) * np.float32(contrast) + mean
    x += np.float32(NOISE * strength * noise) * rng.standard_normal(x.shape, np.float32)
    return (255 * x).clip(0, 255).round().astype(np.uint8)
