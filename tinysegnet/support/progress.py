"""One progress bar for everything that takes a while; none where no one sees it."""

import sys

from tqdm import tqdm


def bar(items=None, desc=None, total=None, **options):
    """A tqdm bar, where stderr is a terminal."""
    hidden = True if sys.stderr is None else None       # None: tqdm looks whether it is a terminal
    return tqdm(items, desc, total, leave=False, disable=hidden, **options)
