"""Boundary F1, BF: how well the outlines of a prediction follow those of the truth. Needs SciPy, when it is called.

The measure of the paper's section 3.3, which is that of Csurka et al., "What is a good evaluation measure for semantic
segmentation?", BMVC 2013. The details are those of the authors' script: which pixels are boundary, pairs in the place
of nearest pixels, and the mean over the classes that have a boundary on either side (the paper says: in the truth).
"""

import math

import numpy as np

from tinysegnet.metrics.confusion import mean_of_present, ratio
from tinysegnet.support.errors import InputError

TOLERANCE = 0.0075          # parts of the image's diagonal
BLOCK = 1 << 20             # places that are looked at together, so that a large image needs little memory


def boundary_f1(labels, predicted, classes, ignore, tolerance=None):
    """BF of each class in one image: F1 of the truth's outline and the prediction's.

    As many pixels of one as possible are paired with pixels of the other, at most the tolerance away, none in two
    pairs. Precision is the share of the predicted outline that is paired, recall that of the true one, and so

        F1 = 2 pairs / (pixels of the true outline + pixels of the predicted one)

    labels     (H, W), integers of any dtype
    predicted  (H, W), integers of any dtype. Where the label is `ignore`, so is the prediction
    classes    their number
    ignore     the label of pixels that do not count; a pixel that is predicted so does not count either
    tolerance  in pixels; by default 0.0075 of the diagonal, which is 4.5 at 360x480
    BF         (classes,), float64: 0 if only one side has an outline of the class, NaN if neither has

    An image of CamVid takes some 40 ms (benchmarks/results/boundary.md); noise, which is outline everywhere, 10 s.

    Raises ValueError if the shapes differ or have not two axes, classes or ignore is not a whole number, or the
    tolerance is negative or NaN; InputError if SciPy is missing.
    """
    if not all(isinstance(number, int | np.integer) for number in (classes, ignore)):
        raise ValueError(f"boundary_f1: classes and ignore should be whole numbers, got {classes!r} and {ignore!r}")
    if labels.ndim != 2 or labels.shape != predicted.shape:
        raise ValueError(f"boundary_f1: labels {labels.shape} and predicted {predicted.shape} should be alike, (H, W)")
    tolerance = TOLERANCE * math.hypot(*labels.shape) if tolerance is None else tolerance
    if not tolerance >= 0:
        raise ValueError(f"boundary_f1: the tolerance should be at least 0 pixels, got {tolerance}")
    labels, predicted = labels.astype(np.int64), predicted.astype(np.int64)     # which hold any label, and `ignore`
    predicted[labels == ignore] = ignore
    pairs, pixels = np.zeros((2, classes), np.int64)
    for c in range(classes):
        true, called = boundary(labels, c, ignore), boundary(predicted, c, ignore)
        pairs[c], pixels[c] = count_pairs(true, called, tolerance), true.sum() + called.sum()
    return ratio(2 * pairs, pixels)


def boundary(labels, c, ignore):
    """Where the outline of class c is: bool (H, W).

    A pixel is in it if it is of the class and its right, lower or lower-right neighbour is not, or the reverse, and
    neither of the two is `ignore`. So the line is one pixel wide, and nothing ends at the border of the image.

    labels  (H, W), integers
    """
    H, W = labels.shape
    of_class, counted = labels == c, labels != ignore
    line = np.zeros((H, W), bool)
    for down, right in (0, 1), (1, 0), (1, 1):
        here, there = np.s_[: H - down, : W - right], np.s_[down:, right:]
        line[here] |= (of_class[here] != of_class[there]) & counted[here] & counted[there]
    return line


def count_pairs(a, b, tolerance):
    """How many pairs can be made of a pixel of a and one of b, at most the tolerance apart, none in two pairs.

    a, b       bool (H, W)
    tolerance  in pixels, the Euclidean distance between their centres; it counts as near itself

    This is a maximum matching of a bipartite graph, as a flow: 1 from a source to each pixel of a, 1 on to each pixel
    of b that is near, 1 from there to a sink. SciPy has a function for matchings too, maximum_bipartite_matching, but
    the time that it takes can double with each pixel (issue 26147 of SciPy): 8 s for a class of one CamVid image.

    Who is near is looked up at every offset within the tolerance, in an array that numbers the pixels of b, so only
    pairs that are near need memory. SciPy's cKDTree compares squares of distances, and so it misses some pixels that
    are just the tolerance apart, such as (0, 0) and (2, 3).

    Raises InputError if SciPy is missing.
    """
    csr_array, maximum_flow = of_scipy()
    H, W = a.shape
    down, right = (int(min(tolerance, size)) for size in (H, W))
    number = np.full((H + 2 * down, W + 2 * right), -1, np.int32)           # with a margin as wide as the tolerance
    of_a, of_b = a.sum(), b.sum()
    number[down : down + H, right : right + W][b] = of_a + np.arange(of_b)  # the nodes: a, b, source, sink
    rows, columns = np.mgrid[-down : down + 1, -right : right + 1]
    near = np.sqrt(rows**2 + columns**2) <= tolerance
    offsets = (rows * number.shape[1] + columns)[near]
    r, q = np.nonzero(a)
    places = (r + down) * number.shape[1] + q + right
    ends, degrees = [], []                                                  # of each node in turn
    for some in np.array_split(places, 1 + places.size * offsets.size // BLOCK):
        found = number.ravel()[some[:, None] + offsets]
        ends.append(found[found >= 0])
        degrees.append((found >= 0).sum(axis=1))
    ends = np.concatenate([*ends, np.full(of_b, of_a + of_b + 1), np.arange(of_a)]).astype(np.int32)
    degrees = np.concatenate([[0], *degrees, np.ones(of_b, int), [of_a, 0]])
    capacities = np.ones(ends.size, np.int32), ends, degrees.cumsum().astype(np.int32)
    graph = csr_array(capacities, shape=(of_a + of_b + 2, of_a + of_b + 2))
    return int(maximum_flow(graph, of_a + of_b, of_a + of_b + 1, method="dinic").flow_value)


def mean_boundary_f1(of_images):
    """BF over a data set, and that of each class, (classes,).

    BF is the mean over the images of the mean over the classes; that of a class the mean over the images. What is NaN
    is left out. Unlike mIoU it is no figure of all pixels together, so a class of a few pixels counts in each image.

    of_images  (images, classes), what boundary_f1 gave for each
    """
    of_images = np.asarray(of_images)
    return (mean_of_present(np.array([mean_of_present(image) for image in of_images])),
            np.array([mean_of_present(of_class) for of_class in of_images.T]))


def of_scipy():
    """What count_pairs needs of it: csr_array and maximum_flow.

    Raises InputError, with the way out, if SciPy is missing.
    """
    try:
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import maximum_flow
    except ImportError as error:
        raise InputError("boundary F1 needs SciPy: pip install -e '.[boundary]'") from error
    return csr_array, maximum_flow
