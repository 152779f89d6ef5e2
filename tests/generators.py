"""What the property tests draw: Hypothesis draws shapes, options and a seed, and the seed draws the values."""

import numpy as np
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)
images = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))     # N, H, W, C


def spaced(rng, shape, gap=0.1):
    """Distinct values at least `gap` apart and gap / 2 from zero, in random places: no ties, and no kink nearby."""
    n = int(np.prod(shape))
    return (rng.permutation(n) - n // 2 + 0.5).reshape(shape) * gap
