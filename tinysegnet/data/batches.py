"""From files to batches: shuffled, augmented, stacked, and loaded while the step before is being computed."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tinysegnet.data.augment import augment
from tinysegnet.support.ranks import ALONE
from tinysegnet.support.shapes import ceil_div

LATE = 0.25         # of the epochs


def training_batches(data, settings, epoch, first=0, ranks=ALONE):
    """One epoch from batch number `first` on: all training samples once, some at a time (the last maybe fewer).

    settings  has batch, how many at a time; size, (H, W); seed; flip, scale, crop, jitter and relight, see `augment`;
              late_crop, of the last quarter of its epochs

    The order is drawn by [seed, epoch, 0], as in 0.1.0, and the augmentation of sample i by [seed, epoch, 1 + i]: a run
    goes on after an interruption as if there had been none, and in batches of any size it sees the same pictures. On
    several ranks each has its share of every batch; one that has none gets the first picture, and does not count.

    Yields images, uint8 (N, H, W, 3), and labels, uint8 (N, H, W).
    """
    samples, seed, batch = data.samples("train"), settings.seed, settings.batch
    late = settings.late_crop is not None and epoch > (1 - LATE) * settings.epochs
    crop = settings.late_crop if late else settings.crop
    varied = settings.flip, settings.scale, crop, settings.jitter, settings.relight
    # NumPy takes [1, 2] and [1, 2, 0] for the same seed. So the masks of a dropout, which are drawn in the steps, have
    # four numbers, of which the last is not 0: see training/loop.py.
    order = np.random.default_rng([seed, epoch, 0]).permutation(len(samples))

    def augmented(i):
        rng = np.random.default_rng([seed, epoch, 1 + i])
        return augment(*data.read(samples[i]), settings.size, data.ignore, rng, *varied)

    def load(number):
        of_all = order[number * batch : (number + 1) * batch]
        mine = ranks.share(of_all)
        images, labels = zip(*[augmented(int(i)) for i in (mine if len(mine) else of_all[:1])])
        return np.stack(images), np.stack(labels), len(mine) > 0

    for images, labels, ranks.counted in prefetched(load, range(first, ceil_div(len(samples), batch))):
        yield images, labels


def evaluation_pairs(data, split, ranks=ALONE):
    """Every sample of a split, in order, as it is: the photograph, uint8 (H, W, 3), and its labels, uint8 (H, W). On
    several ranks each has its share."""
    return prefetched(data.read, ranks.share(data.samples(split)))


def prefetched(load, items):
    """load(item) for each item in turn, the next already being loaded in a thread while the caller works."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting = None
        for item in items:
            loading = thread.submit(load, item)
            if waiting is not None:
                yield waiting.result()
            waiting = loading
        if waiting is not None:
            yield waiting.result()
