"""Run lengths, by which COCO and Label Studio store masks."""

from operator import index

import numpy as np


def run_lengths(rle, size):
    """bool (H, W): the pixels of {"size": [H, W], "counts": run lengths outside, inside, ..., down the columns}.

    Raises ValueError unless they are of that many pixels.
    """
    H, W = size
    counts = rle["counts"]
    counts = numbers_in(counts) if isinstance(counts, str) else [*map(index, counts)]
    if rle["size"] != [H, W] or sum(counts) != H * W or min(counts) < 0:
        raise ValueError(f"its run lengths are not those of {H}x{W} pixels (height x width)")
    return np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(W, H).T


def numbers_in(text):
    """COCO's compressed run lengths. A character is 48 and 6 bits: 5 of a number, lowest first, and whether more of it
    follow; the last of these 5 bits is the sign. From the fourth on, what was added to the number two before."""
    numbers, value, bits = [], 0, 0
    for code in text.encode():
        if not 48 <= code < 112 or bits > 60:
            raise ValueError("its compressed run lengths are damaged")
        value |= ((code - 48) & 31) << bits
        bits += 5
        if not (code - 48) & 32:
            if (code - 48) & 16:
                value -= 1 << bits
            numbers.append(value + numbers[-2] if len(numbers) > 2 else value)
            value, bits = 0, 0
    return numbers


def brush(rle, size):
    """bool (H, W): where a brush stroke of Label Studio is not transparent.

    `rle` is a list of bytes. Their bits are: 32, the number of values, four a pixel; 5, how many bits a value has, less
    1; four times 4, how many a length can have, less 1; then runs: 1, whether it is of one value; 2, which of the four;
    the length, less 1; the value, or the values.
    """
    bits, at = "".join(f"{byte:08b}" for byte in bytes([*rle])), 0

    def take(count):
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    count, word, lengths = take(32), take(5) + 1, [take(4) + 1 for _ in range(4)]
    if count != 4 * size[0] * size[1]:
        raise ValueError(f"a stroke that is not of {size[0]}x{size[1]} pixels (height x width)")
    values, i = np.zeros(count, np.uint8), 0
    while i < count:
        same, length = take(1), take(lengths[take(2)]) + 1
        values[i : i + length] = take(word) if same else [take(word) for _ in range(length)]
        i += length
    return values.reshape(*size, 4)[..., 3] > 0
