"""One progress bar for everything that takes a while; none where no one sees it."""

import sys

from tqdm import tqdm

from tinysegnet.support.errors import usable


def bar(items=None, desc=None, total=None, **options):
    """A tqdm bar, where stderr is a terminal."""
    hidden = None if usable(sys.stderr) else True       # None: tqdm looks whether it is a terminal
    return tqdm(items, desc, total, leave=False, disable=hidden, **options)
