"""Known wrong answers of resize_bilinear and of its backward, most by other matrices for the rows and the columns."""

import numpy as np

from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.more.resize import interpolation_matrix, resize_bilinear

READ = "tinysegnet/ops/more/resize.py"


def sizes(*pairs):
    """cases() of x and the shape to give back: (N, H, W, C) and (H', W') of each."""
    def cases():
        rng = np.random.default_rng(0)
        for (N, H, W, C), size in pairs:
            yield rng.standard_normal((N, H, W, C)), (N, *size, C)

    return cases


def images_exchanged(x, resized, shape):
    """resized(x, shape), but to (W', H'), and read as (H', W')."""
    N, height, width, C = shape
    return resized(x, (N, width, height, C)).reshape(shape)


def centres(source, target):
    return (np.arange(target) + 0.5) * source / target - 0.5


def between(centre, source):
    """The matrix with which each place, in pixels of the source, is between its two neighbours."""
    centre = np.clip(centre, 0, source - 1)
    below = np.floor(centre).astype(int)
    matrix, places = np.zeros((len(centre), source)), np.arange(len(centre))
    matrix[places, below] += 1 - (centre - below)
    matrix[places, np.minimum(below + 1, source - 1)] += centre - below
    return matrix


def at_corners(source, target):
    return between(np.arange(target) * (source - 1) / max(target - 1, 1), source)


def from_upper_left(source, target):
    return between(np.arange(target) * source / target, source)


def half_a_pixel_too_far(source, target):
    return between((np.arange(target) + 0.5) * source / target, source)


def half_a_pixel_too_little(source, target):
    return between(np.arange(target) * source / target - 0.5, source)


def scale_upside_down(source, target):
    return between((np.arange(target) + 0.5) * target / source - 0.5, source)


def unclipped(source, target, outside):
    """Beyond an edge outside(matrix, index of the target, index of a pixel that is not there, its weight)."""
    matrix = np.zeros((target, source))
    for i, centre in enumerate(centres(source, target)):
        below = int(np.floor(centre))
        for pixel, weight in ((below, 1 - (centre - below)), (below + 1, centre - below)):
            if 0 <= pixel < source:
                matrix[i, pixel] += weight
            else:
                outside(matrix, i, pixel, weight)
    return matrix


def zeros_outside(source, target):
    return unclipped(source, target, lambda *args: None)


def other_side(source, target):
    def wrap(matrix, i, pixel, weight):
        matrix[i, pixel % source] += weight

    return unclipped(source, target, wrap)


def line_continued(source, target):
    """Beyond an edge the straight line of the two pixels before it."""
    def extrapolate(matrix, i, pixel, weight):
        edge, before = (0, min(1, source - 1)) if pixel < 0 else (source - 1, max(source - 2, 0))
        matrix[i, edge] += 2 * weight
        matrix[i, before] -= weight

    return unclipped(source, target, extrapolate)


def continued_before(source, target):
    """Beyond an edge one pixel, clipped, and its right neighbour, with the weights of a place beyond it."""
    centre = centres(source, target)
    below = np.clip(np.floor(centre).astype(int), 0, source - 1)
    matrix, places = np.zeros((target, source)), np.arange(target)
    matrix[places, below] += 1 - (centre - below)
    matrix[places, np.minimum(below + 1, source - 1)] += centre - below
    return matrix


def weights_of_a_pixel_before(source, target):
    """Before the first pixel the first and the second, with the weights of that which is not there and the first."""
    centre = centres(source, target)
    below, rest = np.maximum(np.floor(centre).astype(int), 0), centre - np.floor(centre)
    matrix, places = np.zeros((target, source)), np.arange(target)
    matrix[places, below] += 1 - rest
    matrix[places, np.minimum(below + 1, source - 1)] += rest
    return matrix


def other_side_before(source, target):
    """Before the first pixel the last, x[-1]; beyond the last the last."""
    matrix = other_side(source, target)
    beyond = centres(source, target) > source - 1
    matrix[beyond] = 0
    matrix[beyond, -1] = 1
    return matrix


def nearest_of_corners(source, target):
    return between(np.floor(np.arange(target) * source / target), source)


def far_and_near(source, target):
    centre = np.clip(centres(source, target), 0, source - 1)
    below = np.floor(centre).astype(int)
    matrix, places = np.zeros((target, source)), np.arange(target)
    matrix[places, below] += centre - below
    matrix[places, np.minimum(below + 1, source - 1)] += 1 - (centre - below)
    return matrix


def equal_weights(source, target):
    below = np.floor(np.clip(centres(source, target), 0, source - 1)).astype(int)
    matrix, places = np.zeros((target, source)), np.arange(target)
    matrix[places, below] += 0.5
    matrix[places, np.minimum(below + 1, source - 1)] += 0.5
    return matrix


def only_below(source, target):
    """The pixel before the centre alone, with all of the weight."""
    return between(np.floor(np.clip(centres(source, target), 0, source - 1)), source)


def far_left_out(source, target):
    """The pixel before the centre alone, with its own weight."""
    return interpolation_matrix(source, target) * (only_below(source, target) > 0)


def nearest(source, target):
    return between(np.floor((np.arange(target) + 0.5) * source / target), source)


def averaged(source, target):
    """A triangle as wide as the pixels of the smaller map: what PIL does, and PyTorch with antialias=True."""
    wide = max(1, source / target)
    weights = np.maximum(0, 1 - np.abs(np.arange(source) - centres(source, target)[:, None]) / wide)
    return weights / weights.sum(axis=1, keepdims=True)


def of_scale(scale):
    """Along both axes by the scale of one of them."""
    return lambda source, target: between((np.arange(target) + 0.5) * scale - 0.5, source)


def resized(x, shape, rows=interpolation_matrix, columns=None):
    _, H, W, _ = x.shape
    return np.einsum("rh,nhwc,qw->nrqc", rows(H, shape[1]), x, (columns or rows)(W, shape[2]))


resize = Table(READ, sizes(((2, 4, 6, 3), (9, 11)), ((3, 7, 8, 2), (4, 13))), ["y"], resize_bilinear)


@resize.formula
def right_y(x, shape):
    (_, H, W, _), (_, height, width, _) = x.shape, shape
    rows = between((np.arange(height) + 0.5) * H / height - 0.5, H)
    columns = between((np.arange(width) + 0.5) * W / width - 0.5, W)
    y = np.einsum("rh,nhwc,qw->nrqc", rows, x, columns)
    return y


resize.mistake("the outermost pixels are laid upon each other (align_corners=True): half-pixel centres are at "
               "(i + 0.5) * H / H' - 0.5", align_corners=lambda x, shape: resized(x, shape, at_corners))
resize.mistake("pixel i is looked for at i * H / H', its upper left corner: its centre is at (i + 0.5) * H / H' - 0.5",
               upper_left_corners=lambda x, shape: resized(x, shape, from_upper_left))
resize.mistake("the place lacks its - 0.5: that of a pixel's centre is (i + 0.5) * H / H' - 0.5",
               no_half_subtracted=lambda x, shape: resized(x, shape, half_a_pixel_too_far))
resize.mistake("the place lacks its + 0.5: that of a pixel's centre is (i + 0.5) * H / H' - 0.5",
               no_half_added=lambda x, shape: resized(x, shape, half_a_pixel_too_little))
resize.mistake("the scale is upside down: a step of one pixel in y is one of H / H' in x",
               scale_turned_round=lambda x, shape: resized(x, shape, scale_upside_down))
resize.mistake("the scale of the rows is taken for the columns too: theirs is W / W'",
               scale_of_the_rows=lambda x, shape: resized(x, shape, of_scale(x.shape[1] / shape[1])))
resize.mistake("the scale of the columns is taken for the rows too: theirs is H / H'",
               scale_of_the_columns=lambda x, shape: resized(x, shape, of_scale(x.shape[2] / shape[2])))
resize.mistake("beyond an edge stand zeros: there should be the pixel of the edge",
               zeros_beyond_the_edge=lambda x, shape: resized(x, shape, zeros_outside))
resize.mistake("beyond an edge the other side comes in: there should be the pixel of the edge",
               wrapped_at_the_edge=lambda x, shape: resized(x, shape, other_side))
resize.mistake("beyond an edge the straight line goes on: there should be the pixel of the edge",
               continued_beyond_the_edge=lambda x, shape: resized(x, shape, line_continued))
resize.mistake("before the first pixel the straight line of the first two goes on: clip the place, not only the index",
               continued_before_the_edge=lambda x, shape: resized(x, shape, continued_before))
resize.mistake("before the first pixel the second has a part: there should be the pixel of the edge alone",
               second_pixel_at_the_edge=lambda x, shape: resized(x, shape, weights_of_a_pixel_before))
resize.mistake("before the first pixel the last comes in, as x[-1]: there should be the pixel of the edge",
               negative_index=lambda x, shape: resized(x, shape, other_side_before))
resize.mistake("the weights are exchanged: the nearer pixel has the larger one",
               weights_exchanged=lambda x, shape: resized(x, shape, far_and_near))
resize.mistake("all four pixels have the same weight: each is weighted by its nearness",
               equal=lambda x, shape: resized(x, shape, equal_weights))
resize.mistake("y is the nearest pixel: it should be the mean of four, weighted by nearness",
               nearest_pixel=lambda x, shape: resized(x, shape, nearest))
resize.mistake("y is the pixel at i * H / H', rounded down: it should be the mean of four, weighted by nearness",
               nearest_of_the_corners=lambda x, shape: resized(x, shape, nearest_of_corners))
resize.mistake("y is the pixel above and to the left of the centre: it should be the mean of four, weighted by "
               "nearness", pixel_above=lambda x, shape: resized(x, shape, only_below))
resize.mistake("only the pixel above and to the left is in it: add the three others with their weights",
               only_one_of_four=lambda x, shape: resized(x, shape, far_left_out))
resize.mistake("only rows are interpolated, and columns are repeated: do both",
               only_rows=lambda x, shape: resized(x, shape, columns=nearest))
resize.mistake("only columns are interpolated, and rows are repeated: do both",
               only_columns=lambda x, shape: resized(x, shape, rows=nearest, columns=interpolation_matrix))
resize.mistake("where the map gets smaller all the pixels in between are averaged (antialias): bilinear takes four",
               antialias=lambda x, shape: resized(x, shape, averaged))
resize.mistake("height and width are exchanged: shape is (N, H', W', C)",
               height_and_width_exchanged=lambda x, shape: images_exchanged(x, resized, shape))
resize.mistake("every image of the batch has the result of the first",
               first_image_for_all=lambda x, shape: np.broadcast_to(resized(x[:1], shape), shape))


def returned(dy, x, rows=interpolation_matrix, columns=None):
    """dx by the transposed matrices."""
    _, H, W, _ = x.shape
    return np.einsum("rh,nrqc,qw->nhwc", rows(H, dy.shape[1]), dy, (columns or rows)(W, dy.shape[2]))


def shares(matrix):
    """A matrix whose columns add up to 1."""
    def of_size(source, target):
        weights = matrix(source, target)
        return weights / weights.sum(axis=0)

    return of_size


def overwriting(a, size, add=np.add):
    """dx of the rows of a by a[below] += ..., which adds only once where `below` has a row several times; or by `add`
    of what is there and what comes."""
    centre = np.clip(centres(size, a.shape[1]), 0, size - 1)
    below = np.floor(centre).astype(int)
    near, dx = (1 - (centre - below))[:, None, None], np.zeros((len(a), size, *a.shape[2:]))
    for rows, share in (below, near * a), (np.minimum(below + 1, size - 1), (1 - near) * a):
        dx[:, rows] = add(dx[:, rows], share)
    return dx


def both_overwriting(dy, x, **options):
    return overwriting(overwriting(dy, x.shape[1], **options).swapaxes(1, 2), x.shape[2], **options).swapaxes(1, 2)


resize_backward = Table(READ, sizes(((2, 4, 6, 3), (9, 11)), ((3, 5, 4, 2), (7, 9))), ["dx"], resize_bilinear)


@resize_backward.formula
def right_dx(dy, x, shape):
    (_, H, W, _), (_, height, width, _) = x.shape, shape
    rows = between((np.arange(height) + 0.5) * H / height - 0.5, H)
    columns = between((np.arange(width) + 0.5) * W / width - 0.5, W)
    dx = np.einsum("rh,nrqc,qw->nhwc", rows, dy, columns)
    return dx


resize_backward.mistake("dx is dy resized to the size of x: the backward is the transpose of the forward's weights, "
                        "which is no resize", a_resize_back=lambda dy, x, shape: resized(dy, x.shape))
resize_backward.mistake("dx is dy resized to the size of x and multiplied by the ratio of the sizes: right where dy is "
                        "flat, but the backward is the transpose of the forward's weights",
                        a_scaled_resize_back=lambda dy, x, shape: (
                            resized(dy, x.shape) * dy[0, ..., 0].size / x[0, ..., 0].size))
resize_backward.mistake("dx is dy averaged down to the size of x: the backward is the transpose of the forward's "
                        "weights", an_average_back=lambda dy, x, shape: resized(dy, x.shape, averaged))
resize_backward.mistake("dx is a weighted mean of dy: it is the sum, so that the weights need not add up to 1",
                        mean=lambda dy, x, shape: returned(dy, x, shares(interpolation_matrix)))
resize_backward.mistake("each share overwrites the one before it (dx[rows] += adds but once for a row that is there "
                        "twice): use np.add.at or the transposed matrix",
                        overwritten=lambda dy, x, shape: both_overwriting(dy, x))
resize_backward.mistake("each share overwrites the one before it (dx[rows] = ...): they add up, by np.add.at or the "
                        "transposed matrix", assigned=lambda dy, x, shape: (
                            both_overwriting(dy, x, add=lambda there, comes: comes)))
resize_backward.mistake("dy comes back as with align_corners=True: half-pixel centres are at (i + 0.5) * H / H' - 0.5",
                        align_corners=lambda dy, x, shape: returned(dy, x, at_corners))
resize_backward.mistake("dy comes back from upper left corners, i * H / H': a pixel's centre is at (i + 0.5) * H / H' "
                        "- 0.5", upper_left_corners=lambda dy, x, shape: returned(dy, x, from_upper_left))
resize_backward.mistake("what belongs beyond an edge is lost: there stood the pixel of the edge, and it gets it all",
                        share_of_the_edge_lost=lambda dy, x, shape: returned(dy, x, zeros_outside))
resize_backward.mistake("what belongs beyond an edge goes to the other side: there stood the pixel of the edge",
                        wrapped_at_the_edge=lambda dy, x, shape: returned(dy, x, other_side))
resize_backward.mistake("what belongs before the first pixel goes to the last, dx[-1]: the pixel of the edge gets it",
                        negative_index=lambda dy, x, shape: returned(dy, x, other_side_before))
resize_backward.mistake("before the first pixel the weights are those of the straight line that goes on: clip the "
                        "place, not only the index",
                        continued_before_the_edge=lambda dy, x, shape: returned(dy, x, continued_before))
resize_backward.mistake("what belongs before the first pixel is shared with the second: the first gets it all",
                        second_pixel_at_the_edge=lambda dy, x, shape: returned(dy, x, weights_of_a_pixel_before))
resize_backward.mistake("beyond an edge the weights are those of the straight line that goes on: the pixel of the edge "
                        "gets it all", continued_beyond_the_edge=lambda dy, x, shape: returned(dy, x, line_continued))
resize_backward.mistake("the place lacks its - 0.5: that of a pixel's centre is (i + 0.5) * H / H' - 0.5",
                        no_half_subtracted=lambda dy, x, shape: returned(dy, x, half_a_pixel_too_far))
resize_backward.mistake("the place lacks its + 0.5: that of a pixel's centre is (i + 0.5) * H / H' - 0.5",
                        no_half_added=lambda dy, x, shape: returned(dy, x, half_a_pixel_too_little))
resize_backward.mistake("the scale is upside down: a step of one pixel in dy is one of H / H' in dx",
                        scale_turned_round=lambda dy, x, shape: returned(dy, x, scale_upside_down))
resize_backward.mistake("dx is divided by the ratio of the sizes: each pixel of dy is shared out as it is",
                        divided_by_the_ratio=lambda dy, x, shape: (
                            returned(dy, x) * x[0, ..., 0].size / dy[0, ..., 0].size))
resize_backward.mistake("the weights are exchanged: the nearer pixel gets the larger share",
                        weights_exchanged=lambda dy, x, shape: returned(dy, x, far_and_near))
resize_backward.mistake("each of the four pixels gets a quarter of dy: its share is its weight in the forward",
                        a_quarter_each=lambda dy, x, shape: returned(dy, x, equal_weights))
resize_backward.mistake("all four pixels get all of dy: their shares are their weights in the forward",
                        all_to_all=lambda dy, x, shape: 4 * returned(dy, x, equal_weights))
resize_backward.mistake("dy goes to the nearest pixel alone: each of the four gets its share",
                        to_the_nearest=lambda dy, x, shape: returned(dy, x, nearest))
resize_backward.mistake("dy goes to the pixel above and to the left alone: each of the four gets its share",
                        to_the_pixel_above=lambda dy, x, shape: returned(dy, x, only_below))
resize_backward.mistake("only the pixel above and to the left gets its share: the three others have theirs",
                        only_one_of_four=lambda dy, x, shape: returned(dy, x, far_left_out))
resize_backward.mistake("the scale of the rows is taken for the columns too: theirs is W / W'",
                        scale_of_the_rows=lambda dy, x, shape: returned(dy, x, of_scale(x.shape[1] / shape[1])))
resize_backward.mistake("the scale of the columns is taken for the rows too: theirs is H / H'",
                        scale_of_the_columns=lambda dy, x, shape: returned(dy, x, of_scale(x.shape[2] / shape[2])))
resize_backward.mistake("only the rows have their shares, and the columns go to the nearest: do both",
                        only_rows=lambda dy, x, shape: returned(dy, x, columns=nearest))
resize_backward.mistake("only the columns have their shares, and the rows go to the nearest: do both",
                        only_columns=lambda dy, x, shape: returned(dy, x, rows=nearest, columns=interpolation_matrix))
resize_backward.mistake("every image of the batch has the dx of the first",
                        first_image_for_all=lambda dy, x, shape: np.broadcast_to(returned(dy[:1], x), x.shape))
