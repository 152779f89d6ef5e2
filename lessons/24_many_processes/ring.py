"""A ring all-reduce: on each of R ranks the sum of what all have, though each sends to its right neighbour only.

Ranks are processes, and send over a network. Here they are threads, and put arrays into each other's queue. When one
has ended by an exception, the others wait for it: 20 seconds, and then by queue.Empty they end too.
"""

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np

from tinysegnet.support.ranks import Alone


class Rank(Alone):
    """One of several ranks, for which tinysegnet/training/parallel.py can work.

    arrived, to_right   queues: of what has come from the left, and that of the neighbour on the right
    note                note(rank, turn, parts) is called before the first turn, which is 0, and after each
    """

    def __init__(self, rank, queues, note=None):
        self.rank, self.size, self.note = rank, len(queues), note or (lambda *args: None)
        self.arrived, self.to_right = queues[rank], queues[(rank + 1) % self.size]

    def sum(self, a):
        """The sum of an array over all ranks. It has one shape and dtype on all of them."""
        R, flat = self.size, np.ravel(a)
        parts = np.array_split(flat, R)
        self.note(self.rank, 0, parts)
        for turn in range(2 * (R - 1)):
            self.to_right.put(parts[(self.rank - turn) % R])
            k = (self.rank - turn - 1) % R              # the part that the left neighbour sends in this turn
            came = self.arrived.get(timeout=20)
            parts[k] = came + parts[k] if turn < R - 1 else came
            self.note(self.rank, turn + 1, parts)
        return np.concatenate(parts).reshape(np.shape(a))

    def gather(self, value):
        """[the value of each rank], in their order, on all: a sum in which each rank has zeros but in its own place."""
        rows = np.zeros((self.size, *np.shape(value)), np.asarray(value).dtype)
        rows[self.rank] = value
        return list(self.sum(rows))


def on_ranks(R, job, note=None):
    """[job(rank) of each of R ranks], all at once."""
    queues = [SimpleQueue() for _ in range(R)]
    with ThreadPoolExecutor(R) as threads:
        return list(threads.map(job, [Rank(rank, queues, note) for rank in range(R)]))
