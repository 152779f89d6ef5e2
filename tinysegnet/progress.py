"""One progress bar for everything that takes a while; none where no one sees it."""

from functools import partial

from tqdm import tqdm

bar = partial(tqdm, leave=False, disable=None)      # disable=None: only on a terminal
