"""Names of classes that may be one, written in two ways."""

import re
from itertools import combinations


def misspelt(names, most=3):
    """A sentence about the pairs of names that are alike, or "" if there is none."""
    pairs = [f"{one!r} and {other!r}" for one, other in combinations(sorted(names), 2) if alike(one, other)]
    if not pairs:
        return ""
    rest = f" (and {len(pairs) - most} more)" if len(pairs) > most else ""
    return f"Are {' or '.join(pairs[:most])} one class{rest}? If so, correct it in the tool, and import again"


def alike(one, other):
    """Whether they differ by case, spaces, _ and - alone; or, from 4 letters on, by one letter, which no number is."""
    one, other = sorted((re.sub(r"[\s_-]", "", name).casefold() for name in (one, other)), key=len)
    if len(one) == len(other):
        changed = [a + b for a, b in zip(one, other) if a != b]
    else:
        changed = [letter for i, letter in enumerate(other) if other[:i] + other[i + 1 :] == one][:1]
    return one == other or (len(other) > 3 and len(changed) == 1 and changed[0].isalpha())
