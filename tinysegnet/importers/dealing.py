"""Which samples are val, if a tool does not say: not a frame of a film beside one of train, if that can be."""

import re
from collections import defaultdict

import numpy as np


def deal(names, share, seed):
    """The indices of the names that are val, about such a share of all, and in words how they were chosen.

    Names in one folder, or if all are, with one beginning, stay together. Of these groups, in random order, whole ones
    are taken until there are enough, but none that makes it more than twice as many, or more than half of all. If that
    gives less than half of what is wanted, as it does of a single film, the rest is the end of the largest group left:
    there alone neighbours are parted.
    """
    wanted = min(max(1, round(share * len(names))), len(names) - 1) if share else 0
    groups, what, where = grouped(names)
    most = max(wanted, min(2 * wanted, len(names) // 2))
    val, left, whole = [], [], []
    for i in np.random.default_rng(seed).permutation(len(groups)):
        beginning, group = groups[i]
        if len(val) < wanted and len(val) + len(group) <= most:
            val += group
            whole.append(beginning)
        else:
            left.append((beginning, group))
    how = f"{what} (val: {some_of(whole)})" if val and len(groups) < len(names) else "drawn at random" if val else ""
    if 2 * len(val) < wanted:
        rest, (beginning, group) = wanted - len(val), max(left, key=lambda named: len(named[1]))
        val += group[-rest:]
        which = f"the last {rest} of the {len(group)} {where} {beginning}, in the order of their names"
        how = f"{how}, and {which}" if how else which
    return {*val}, how


def some_of(beginnings, most=5):
    """Their list, cut short."""
    shown = sorted(beginnings, key=natural)[:most]
    return ", ".join([*shown, f"{len(beginnings) - most} more"] if len(beginnings) > most else shown)


def grouped(names):
    """[(beginning, the indices of its names in their order)], what they are in words, and where one is."""
    folders = [name.rpartition("/")[0] for name in names]
    if len({*folders}) > 1:
        beginnings = [f"{folder or '.'}/" for folder in folders]
        what, where = "what is in one folder is on one side", "in"
    else:
        beginnings = [repr(re.sub(r"\d+\D*$", "", name.rpartition("/")[2])) for name in names]
        what, where = "names that begin alike, up to their last number, are on one side", "that begin with"
    groups = defaultdict(list)
    for i in sorted(range(len(names)), key=lambda i: natural(names[i])):
        groups[beginnings[i]].append(i)
    return [*groups.items()], what, where


def natural(name):
    """By which 9 comes before 10."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))]
