"""The processes that a training is spread over, its ranks: here one alone; for several see training/parallel.py."""

import numpy as np


class Alone:
    """The only rank, whose sums over all ranks are what it has itself.

    rank, size  its number, and how many there are
    counted     whether it has an image in the batch under way. One that has none computes with another's, so that all
                meet at the same places, and adds nothing to any sum
    """

    rank, size, counted = 0, 1, True

    def share(self, items):
        """Those that are this rank's, in order: of ten items and three ranks, 3, 3 and 4."""
        return items[len(items) * self.rank // self.size : len(items) * (self.rank + 1) // self.size]

    def gather(self, value):
        """[the value of each rank], in their order. Arrays of one shape and dtype, or what is small."""
        return [value]

    def sum(self, a):
        """The sum of an array over all ranks. It has one shape and dtype on all of them."""
        return a

    def from_first(self, value):
        """What rank 0 has."""
        return value

    def generator(self, seed):
        """A numpy.random.Generator, or what draws for the images of this rank as that would for the whole batch."""
        return np.random.default_rng(seed)


ALONE = Alone()
