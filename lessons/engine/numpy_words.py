"""What common exceptions mean. No sentence guesses: each says what NumPy or Python wants, and where to look."""

import re

import numpy as np

# (what the text of the exception says, what that means); {1} is the first group of the pattern.
MEANINGS = (
    (r"matmul.* mismatch in its core dimension|^shapes .* not aligned",
     "a @ b sums over the last axis of a and the last but one of b, or its only one: both must have one size. .T turns "
     "the order of all axes round, of four too"),
    (r"matmul: .* not have enough dimensions", "@ is for arrays: a single number multiplies by *, and None, of a "
     "function that gives nothing yet, by nothing"),
    (r"newaxis.*requested shape",
     "a @ b multiplies matrices, which are the last two axes of each: of all axes before these two, the sizes must be "
     "equal, or one of them 1. w[i, j] picks one matrix, and reshape makes one of several axes"),
    (r"remapped shapes .*requested shape",
     "that cannot be spread to this shape. np.pad takes (before, after) for each axis: for four axes four pairs, "
     "(0, 0) where nothing is to be added; np.broadcast_to only repeats axes of size 1"),
    (r"remapped shapes",
     "in np.einsum axes of the same letter must have the same size, and here one letter stands for two sizes"),
    (r"could not be broadcast together",
     "two arrays meet whose sizes do not fit. Counted from the last axis, two sizes must be equal, or one of them 1; "
     "keepdims=True in a sum, mean or max leaves a 1 where the axis was"),
    (r"could not broadcast input array from shape \((?:.*,)?0\b.* into",
     "what is to be stored is empty, for one of its sizes is 0: [p:-p], say, takes nothing where p is 0"),
    (r"could not broadcast input array|could not be broadcast to indexing result",
     "the array on the right does not have the sizes of the place on the left"),
    (r"non-broadcastable output operand.*broadcast shape \((?:.*,)?0\b",
     "what is to be added is empty, for one of its sizes is 0: a slice, say, that takes nothing"),
    (r"non-broadcastable output operand",
     "the result has another shape than the array that it should be stored in, by += say"),
    (r"(?:too many|not enough) values to unpack",
     "on the right there are more parts than names on the left, or fewer. An array has as many parts as its first axis "
     "is long"),
    (r"object too deep for desired array",
     "an array of fewer axes is needed here: np.bincount, say, takes one of a single axis, such as x.ravel()"),
    (r"[Cc]annot cast array data from dtype\('float\d+'\) to dtype\('u?int",
     "whole numbers are needed here, and these are floats"),
    (r"truth value of an array.* is ambiguous",
     "`if`, `and`, `or`, `not`, and Python's max() and min() want one True or False, and here is an array of them. "
     "np.maximum, np.where, & and | go entry by entry"),
    (r"cannot reshape array of size (\d+)",
     "a reshape keeps every number, so the new sizes must multiply to {1}. An odd size // 2 leaves one over"),
    (r"index (-?\d+) is out of bounds for axis (\d+) with size (\d+)",
     "axis {2} has the size {3}, and its entries are numbered from 0: {1} is not among them"),
    (r"axis (-?\d+) is out of bounds for array of dimension (\d+)",
     "the axes are numbered from 0, and their number here is {2}: there is no axis {1}"),
    (r"only integers, slices",
     "an index is a whole number, a slice, or an array of whole numbers or of True and False. a / b is a float, even "
     "if it comes out even; of whole numbers a // b is one"),
    (r"only integer scalar arrays can be converted to a scalar index|slice indices must be integers"
     r"|cannot be interpreted as an integer",
     "one whole number is needed here, as a size, an index or an end of a slice. a / b is a float, even if it comes "
     "out even; of whole numbers a // b is one"),
    (r"(?:assignment destination|output array) is read-only",
     "this array may only be read, like what np.broadcast_to gives: a copy, x.copy(), may be changed"),
    (r"NoneType",
     "something here is None, which is what a function gives that has no return line, or works in place"),
    (r"'tuple' object has no attribute",
     "this is a tuple, several things in one: what a function returns with commas, say. a, b = ... takes it apart"),
    (r"'(?:builtin_function_or_method|method|function)' object is not subscriptable",
     "a function is called with round brackets, f(x), and not with f[x]"),
    (r"boolean index did not match",
     "a mask picks from the first axes of an array, and must have the sizes of these axes"),
    (r"[Cc]annot cast ufunc '\w+' output from dtype\('(u?int\d+)'\) to dtype\('(\w+)'\)",
     "what is to be stored, by += say, is {1}, and the array is {2}: .astype(np.{2}) turns it into that; only an array "
     "that may be {1} is made {1} to begin with"),
    (r"[Cc]annot cast ufunc '\w+' output from dtype\('(\w+)'\) to dtype\('(\w+)'\)",
     "the result is {1}, and the array that it should be stored in, by += say, is {2}: make that {1} to begin with"),
    (r"numpy boolean subtract", "True and False cannot be subtracted: != compares them, .astype(float) makes numbers"),
    (r"source code .*null bytes", "the file is saved as UTF-16, as Windows PowerShell does by >: save it as UTF-8"),
    (r"axes don't match array", "a transpose takes the number of every axis, each once"),
    (r"inhomogeneous shape", "the parts of a list have different sizes, and an array needs them all alike"),
    (r"setting an array element with a sequence", "there is room for one number, and what comes is more"),
    (r"only (?:0-dimensional|length-1) arrays can be converted|can only convert an array of size 1",
     "one number is needed here, for float(), int() or a function of math, and this is an array"),
)


def meaning(error, arrays):
    """What an exception means, in words, or "".

    arrays  {name: array} of those that were there
    """
    text = " ".join(str(error).split())
    if isinstance(error, AssertionError) and not text:
        return "what this line asserts is not so"
    if isinstance(error, ValueError) and (sentence := padded_everywhere(arrays)):
        return sentence
    matches = ((re.search(pattern, text), sentence) for pattern, sentence in MEANINGS)
    return next((sentence.format(match[0], *match.groups()) for match, sentence in matches if match), "")


def padded_everywhere(arrays):
    """A sentence if one array is another, or one image of it, with a border in all axes, that of the channels too."""
    for name, padded in arrays.items():
        for other, x in arrays.items():
            for image in [x] if x.ndim == padded.ndim else x if x.ndim == padded.ndim + 1 else ():
                more = {large - small for large, small in zip(padded.shape, image.shape)}
                p = max(more, default=0) // 2
                inside = (np.s_[p:-p],) * padded.ndim
                if padded.ndim >= 3 and p > 0 and len(more) == 1 and np.array_equal(padded[inside], image):
                    return (f"{name} is {other} with {p} more on either side in all axes, that of the channels too. "
                            "np.pad(x, p) pads every axis, and with (before, after) for each only those that should be")
    return ""
