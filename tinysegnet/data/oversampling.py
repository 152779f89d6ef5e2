"""Oversampling: groups of photographs of which there are few are seen as often as the others."""

import numpy as np

from tinysegnet.data.folds import name_of


def balanced_order(samples, beginnings, rng):
    """Numbers of samples, as many as there are samples, of each group equally many (but for one).

    A group are those whose names have one of the beginnings, such as those of a film; the others are one too. Of a
    group none is drawn twice before all have been drawn.
    """
    groups = {}
    for number, sample in enumerate(samples):
        name = str(name_of(sample)[0])
        groups.setdefault(next(filter(name.startswith, beginnings), ""), []).append(number)
    share = -(-len(samples) // len(groups))
    drawn = [np.concatenate([rng.permutation(group) for _ in range(-(-share // len(group)))])[:share]
             for group in groups.values()]
    return rng.permutation(np.stack(drawn, axis=1).ravel()[: len(samples)])
