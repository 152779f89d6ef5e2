"""Known wrong answers of max_pool and max_unpool, and of their backwards."""

import numpy as np

from tinysegnet.checker.mistakes.table import Table, alone
from tinysegnet.ops.pool import max_pool, max_unpool, put_into_corners, take_from_corners

READ = "tinysegnet/ops/pool.py"


def by_column(corners):
    return np.array([0, 2, 1, 3], np.uint8)[corners]


def counted_round(corners):
    return np.array([0, 1, 3, 2], np.uint8)[corners]


def first_channel(corners):
    return np.broadcast_to(corners[..., :1], corners.shape)


def first_image(corners):
    return np.broadcast_to(corners[:1], corners.shape)


def cut(a, rows, columns):
    """a, with zeros beyond so many rows and columns."""
    a = a.copy()
    a[:, rows:] = a[:, :, columns:] = 0
    return a


def in_windows():
    """The second has windows in which several values are the largest."""
    rng = np.random.default_rng(0)
    yield (rng.permutation(2 * 4 * 6 * 3).reshape(2, 4, 6, 3) / 10.0 - 5,)
    yield (rng.integers(-2, 3, (3, 7, 5, 2)).astype(float),)
    yield (rng.permutation(3 * 7 * 5 * 2).reshape(3, 7, 5, 2) / 10.0 - 9,)


pool = Table(READ, in_windows, ["y", "corners"], max_pool)


def windows(x, fill=-np.inf):
    """(N, ceil(H / 2), ceil(W / 2), 4, C), with `fill` where a window reaches over the border."""
    _, H, W, _ = x.shape
    x = np.pad(x, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)), constant_values=fill)
    N, H, W, C = x.shape
    return x.reshape(N, H // 2, 2, W // 2, 2, C).swapaxes(2, 3).reshape(N, H // 2, W // 2, 4, C)


@pool.formula
def right_y_and_corners(x):
    window, _ = windows(x), None                # its four values are along axis 3
    y = window.max(axis=3)
    corners = window.argmax(axis=3)
    return y, corners


pool.mistake("y is 0 where all of a window is negative: the largest of them is negative too (does the largest so far "
             "begin at 0?)", "y", begins_at_zero=lambda x: windows(x).max(axis=3).clip(0))
pool.mistake("the corners are counted and searched down and then to the right: corner 1 is to the right of corner 0, "
             "2 below", "corners",
             columns_first_throughout=lambda x: windows(x)[:, :, :, [0, 2, 1, 3]].argmax(axis=3).astype(np.uint8))


@pool.mistake("each value is compared with the first one, and must be compared with the largest so far", "corners")
def last_that_beats_the_first(x):
    among = windows(x)
    better = among > among[:, :, :, :1]
    return (better * np.arange(4)[:, None]).max(axis=3).astype(np.uint8)


@pool.mistake("the windows begin at row r and column q, and must begin at 2r and 2q", "y", "corners")
def overlapping(x):
    h, w = (x.shape[1] + 1) // 2, (x.shape[2] + 1) // 2
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    pieces = [padded[:, i : i + h, j : j + w] for i in (0, 1) for j in (0, 1)]
    return np.max(pieces, axis=0), np.argmax(pieces, axis=0).astype(np.uint8)


pool.mistake("y is the minimum of the window, and must be its maximum", "y",
             minimum_with_zeros=lambda x: windows(x, 0).min(axis=3))


@pool.mistake("y is the average of the window, and must be its maximum", "y")
def average(x):
    inside = np.isfinite(windows(x)).sum(axis=3)
    return windows(x, 0).sum(axis=3) / inside


pool.mistake("y is a quarter of the sum of the window, and must be its maximum", "y",
             a_quarter_of_the_sum=lambda x: windows(x, 0).mean(axis=3))
pool.mistake("y is the sum of the window, and must be its maximum", "y",
             sum_of_window=lambda x: windows(x, 0).sum(axis=3))
pool.mistake("y is the minimum of the window, and must be its maximum", "y",
             minimum=lambda x: windows(x, np.inf).min(axis=3))
pool.mistake("y is the upper left value of each window, and must be the largest", "y",
             upper_left=lambda x: x[:, ::2, ::2])
pool.mistake("beyond the lower and right border zeros are taken for values: a clipped window has only what is inside",
             "y", over_zeros=lambda x: windows(x, 0).max(axis=3))


@pool.mistake("y is what is largest in size, whatever its sign: of -3 and 2 the maximum is 2", "y")
def largest_in_size(x):
    among = windows(x, 0)
    which = np.abs(among).argmax(axis=3)
    return np.take_along_axis(among, which[:, :, :, None], axis=3)[:, :, :, 0]


pool.mistake("an odd row or column at the border is left out: its windows are clipped, not dropped (ceil mode)", "y",
             border_left_out=lambda x: windows(x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]).max(axis=3))
pool.mistake("where several values are the largest, corners has the last of them, and must have the first", "corners",
             last_of_equals=lambda x: (3 - windows(x)[:, :, :, ::-1].argmax(axis=3)).astype(np.uint8))


def corner(x, fill=-np.inf):
    return windows(x, fill).argmax(axis=3).astype(np.uint8)


pool.mistake("the corners are counted down and then to the right: corner 1 is to the right of corner 0, 2 is below it",
             "corners", columns_first=lambda x: by_column(corner(x)))
pool.mistake("the corners are counted from 1: they are 0 to 3", "corners", from_one=lambda x: corner(x) + np.uint8(1))
pool.mistake("corners says where the minimum was, and must say where the maximum was", "corners",
             of_the_minimum=lambda x: windows(x, np.inf).argmin(axis=3).astype(np.uint8))
pool.mistake("corners is 0 everywhere: it says in which of the four corners the maximum was", "corners",
             all_zero=lambda x: np.zeros_like(corner(x)))
pool.mistake("corners says only whether the maximum was in the lower row: it needs the column too, 2 * row + column",
             "corners", only_rows=lambda x: corner(x) // np.uint8(2))
pool.mistake("corners says only whether the maximum was in the right column: it needs the row too, 2 * row + column",
             "corners", only_columns=lambda x: corner(x) % np.uint8(2))
pool.mistake("corners may lie beyond the border, where zeros were taken for values: a clipped window has only what is "
             "inside", "corners", corners_of_zeros=lambda x: corner(x, 0))


@pool.mistake("the row or column that an odd size lacks is added above and on the left: the windows begin at row 0 and "
              "column 0, and the last of them are clipped", "y", "corners")
def clipped_in_front(x):
    _, H, W, _ = x.shape
    shifted = windows(np.pad(x, ((0, 0), (H % 2, 0), (W % 2, 0), (0, 0)), constant_values=-np.inf))
    return shifted.max(axis=3), shifted.argmax(axis=3).astype(np.uint8)


@pool.mistake("in a window of one column the lower corner is 1, its place among what is left: lower left is always 2",
              "corners")
def counted_in_what_is_left(x):
    found = corner(x)
    if x.shape[2] % 2:
        found[:, :, -1] //= 2
    return found


pool.mistake("the corners are counted round the window: 2 is lower left, and 3 lower right", "corners",
             counted_round=lambda x: counted_round(corner(x)))
pool.mistake("corners is row + column of the maximum in its window: it should be 2 * row + column", "corners",
             row_plus_column=lambda x: corner(x) // np.uint8(2) + corner(x) % np.uint8(2))
pool.mistake("the corners are counted from the lower right: 0 is the upper left", "corners",
             counted_backwards=lambda x: np.uint8(3) - corner(x))
pool.mistake("the corners are counted from the lower right: 0 is the upper left", "corners",
             last_counted_backwards=lambda x: windows(x)[:, :, :, ::-1].argmax(axis=3).astype(np.uint8))
pool.mistake("all channels have the corners of channel 0: each has its own", "corners",
             corners_of_the_first_channel=lambda x: first_channel(corner(x)))
pool.mistake("all images have the corners of image 0: each has its own", "corners",
             corners_of_the_first_image=lambda x: first_image(corner(x)))


def without(x, k):
    """The windows without the corner k."""
    among = windows(x)
    among[:, :, :, k] = -np.inf
    return among


pool.mistake("the lower right corner is never looked at: there are four, 0, 1, 2 and 3", "y",
             lower_right_left_out=lambda x: without(x, 3).max(axis=3))
pool.mistake("corners is never 3: the lower right corner is one of the four", "corners",
             never_3=lambda x: without(x, 3).argmax(axis=3).astype(np.uint8))
pool.mistake("only the first image is pooled, the others are 0: pool all images", "y", "corners",
             only_first_image=lambda x: (alone(0, windows(x).max(axis=3)), alone(0, corner(x))))


def distinct():
    rng = np.random.default_rng(0)
    for shape in ((2, 5, 6, 3), (3, 7, 5, 2)):
        yield (rng.permutation(int(np.prod(shape))).reshape(shape) / 10.0,)


def moved(dy, x, move):
    """dx with other corners, move(those of the maximum); what they put beyond an odd border is lost."""
    N, H, W, C = x.shape
    return put_into_corners(dy, move(max_pool(x)[1]), (N, H + H % 2, W + W % 2, C))[:, :H, :W]


pool_backward = Table(READ, distinct, ["dx"], max_pool)
@pool_backward.formula
def right_pool_dx(dy, x):
    all_four, corners, place = grown(dy, x.shape), grown(max_pool(x)[1], x.shape), places(x.shape)
    dx = all_four * (corners == place)
    return dx


pool_backward.mistake("the lower right corner gets nothing: the corners are 0, 1, 2 and 3",
                      lower_right_left_out=lambda dy, x: moved(dy * (max_pool(x)[1] != 3), x, np.array))
pool_backward.mistake("the upper left corner gets nothing: the corners are 0, 1, 2 and 3",
                      upper_left_left_out=lambda dy, x: moved(dy * (max_pool(x)[1] != 0), x, np.array))
pool_backward.mistake("upper and lower row of each window are exchanged",
                      rows_exchanged=lambda dy, x: moved(dy, x, lambda corners: corners ^ 2))
pool_backward.mistake("left and right column of each window are exchanged",
                      columns_exchanged=lambda dy, x: moved(dy, x, lambda corners: corners ^ 1))
pool_backward.mistake("dy goes to the corner opposite to that of the maximum",
                      opposite=lambda dy, x: moved(dy, x, lambda corners: corners ^ 3))


@pool_backward.mistake("the windows at an odd border get nothing: they are clipped, and have a maximum all the same")
def odd_border_left_out(dy, x):
    return cut(moved(dy, x, np.array), x.shape[1] // 2 * 2, x.shape[2] // 2 * 2)


@pool_backward.mistake("the row or column too many of an odd size is cut off above and on the left: it is below and "
                       "on the right")
def cut_off_before(dy, x):
    N, H, W, C = x.shape
    whole = put_into_corners(dy, max_pool(x)[1], (N, H + H % 2, W + W % 2, C))
    return whole[:, H % 2 :, W % 2 :]


pool_backward.mistake("all four corners get dy, but only the maximum could move the output",
                      to_all_four=lambda dy, x: grown(dy, x.shape))
pool_backward.mistake("each corner gets a quarter of dy: that is average pooling; here the maximum gets it all",
                      a_quarter_each=lambda dy, x: grown(dy, x.shape) / 4)
pool_backward.mistake("corners 1 and 2 are exchanged: 0 1 are the upper two, 2 3 the lower two",
                      corners_by_column=lambda dy, x: moved(dy, x, by_column))
pool_backward.mistake("the gradient always goes to the upper left corner, and must go where the maximum was",
                      always_first_corner=lambda dy, x: moved(dy, x, np.zeros_like))
pool_backward.mistake("dx is dy times the maximum: the maximum was copied, so its slope is 1",
                      times_the_maximum=lambda dy, x: moved(dy * max_pool(x)[0], x, np.array))
pool_backward.mistake("the gradient goes to the smallest value of the window, and must go to the largest",
                      to_the_minimum=lambda dy, x: put_into_corners(dy, max_pool(-x)[1], x.shape))
pool_backward.mistake("the corners of channel 0 are taken for all channels: each has its own",
                      corners_of_the_first_channel=lambda dy, x: moved(dy, x, first_channel))
pool_backward.mistake("the corners of image 0 are taken for all images: each has its own",
                      corners_of_the_first_image=lambda dy, x: moved(dy, x, first_image))
pool_backward.mistake("there is a 1 where the maximum was: by the chain rule it should be dy",
                      one_for_dy=lambda dy, x: moved(np.ones_like(dy), x, np.array))

pool_backward.mistake("corners 2 and 3 are exchanged: 2 is lower left, and 3 lower right",
                      corners_counted_round=lambda dy, x: moved(dy, x, counted_round))
pool_backward.mistake("the gradient always goes to the lower right corner, and must go where the maximum was",
                      always_last_corner=lambda dy, x: moved(dy, x, lambda corners: np.full_like(corners, 3)))
pool_backward.mistake("the corners are taken as counted from 1: they are 0 to 3",
                      from_one=lambda dy, x: moved(dy, x, lambda corners: corners.astype(int) - 1))
pool_backward.mistake("only the first image has a gradient, the others have 0: do all (is a return in the loop?)",
                      first_image_alone=lambda dy, x: alone(0, moved(dy, x, np.array)))
pool_backward.mistake("only the last image has a gradient, the others have 0: do all (is dx made anew for each?)",
                      last_image_alone=lambda dy, x: alone(-1, moved(dy, x, np.array)))
pool_backward.mistake("where the maximum was there is the maximum itself: by the chain rule it should be dy",
                      maximum_for_dy=lambda dy, x: moved(max_pool(x)[0], x, np.array))
pool_backward.mistake("where the maximum was dy is divided by 4: the maximum alone made y, so it gets all of dy",
                      a_quarter=lambda dy, x: moved(dy / 4, x, np.array))


def pooled(*shapes):
    """Values of their own, corners that can be, and the shape to give back."""
    rng = np.random.default_rng(0)
    for shape in shapes:
        y, corners = max_pool(rng.standard_normal(shape))
        yield rng.standard_normal(y.shape), corners, shape


unpool = Table(READ, lambda: pooled((2, 6, 8, 5), (4, 9, 5, 2)), ["y"], max_unpool)


def grown(values, shape):
    """Each value in all four places of its window."""
    return np.repeat(np.repeat(values, 2, axis=1), 2, axis=2)[:, : shape[1], : shape[2]]


def places(shape):
    """The number of its corner for each place of y, (1, H, W, 1)."""
    rows, columns = np.arange(shape[1]) % 2, np.arange(shape[2]) % 2
    return (2 * rows[:, None] + columns)[None, :, :, None]


def put(x, corners, shape):
    return grown(x, shape) * (grown(corners, shape) == places(shape))


@unpool.formula
def right_y(x, corners, shape):
    all_four, corners, place = grown(x, shape), grown(corners, shape), places(shape)
    y = all_four * (corners == place)
    return y


unpool.mistake("negative values are lost: put each value there, whatever its sign, and not the larger of it and 0",
               negative_values_lost=lambda x, corners, shape: put(np.maximum(x, 0), corners, shape))
unpool.mistake("the corners of channel 0 are taken for all channels: each has its own",
               corners_of_the_first_channel=lambda x, corners, shape: put(x, first_channel(corners), shape))
unpool.mistake("the corners of image 0 are taken for all images: each has its own",
               corners_of_the_first_image=lambda x, corners, shape: put(x, first_image(corners), shape))
unpool.mistake("the row or column at an odd border stays 0: its windows are clipped, and have a value all the same",
               odd_border_left_out=lambda x, corners, shape: cut(
                   put(x, corners, shape), shape[1] // 2 * 2, shape[2] // 2 * 2))
unpool.mistake("each value is in all four corners: it belongs in one, and the other three are 0",
               in_all_four=lambda x, corners, shape: grown(x, shape))
unpool.mistake("a quarter of each value is in all four corners: all of it belongs in one, and the other three are 0",
               a_quarter_each=lambda x, corners, shape: grown(x, shape) / 4)
unpool.mistake("each value is in the upper left corner: corners says which it is",
               always_upper_left=lambda x, corners, shape: put(x, np.zeros_like(corners), shape))
unpool.mistake("each value is in the lower right corner: corners says which it is",
               always_lower_right=lambda x, corners, shape: put(x, np.full_like(corners, 3), shape))
unpool.mistake("the corners are counted down and then to the right: corner 1 is to the right of corner 0, 2 is below "
               "it", columns_first=lambda x, corners, shape: put(x, by_column(corners), shape))
unpool.mistake("each value is in the corner opposite to its own",
               opposite=lambda x, corners, shape: put(x, 3 - corners, shape))
unpool.mistake("upper and lower row of each window are exchanged",
               rows_exchanged=lambda x, corners, shape: put(x, corners ^ 2, shape))
unpool.mistake("left and right column of each window are exchanged",
               columns_exchanged=lambda x, corners, shape: put(x, corners ^ 1, shape))
unpool.mistake("the corners are taken as counted from 1: they are 0 to 3",
               from_one=lambda x, corners, shape: put(x, corners.astype(int) - 1, shape))
unpool.mistake("y has ones where the values belong: put x there",
               ones=lambda x, corners, shape: put(np.ones_like(x), corners, shape))
unpool.mistake("y has the numbers of the corners in it: put x there",
               the_corners=lambda x, corners, shape: put(corners.astype(float), corners, shape))
unpool.mistake("each value is in the three corners that it does not belong in",
               the_other_three=lambda x, corners, shape: grown(x, shape) - put(x, corners, shape))

unpool.mistake("corners 2 and 3 are exchanged: 2 is lower left, and 3 lower right",
               counted_round=lambda x, corners, shape: put(x, counted_round(corners), shape))
unpool.mistake("what belongs in the lower right corner is lost: the corners are 0, 1, 2 and 3",
               lower_right_left_out=lambda x, corners, shape: put(x * (corners != 3), corners, shape))
unpool.mistake("what belongs in the upper left corner is lost: the corners are 0, 1, 2 and 3",
               upper_left_left_out=lambda x, corners, shape: put(x * (corners != 0), corners, shape))
unpool.mistake("only the first image is put back, the others are 0: do all (is a return in the loop?)",
               first_image_alone=lambda x, corners, shape: alone(0, put(x, corners, shape)))
unpool.mistake("only the last image is put back, the others are 0: do all (is y made anew for each?)",
               last_image_alone=lambda x, corners, shape: alone(-1, put(x, corners, shape)))


@unpool.mistake("the row or column too many of an odd size is cut off above and on the left: it is below and on the "
                "right")
def cut_off_above(x, corners, shape):
    N, H, W, C = shape
    return put(x, corners, (N, H + H % 2, W + W % 2, C))[:, H % 2 :, W % 2 :]


@unpool.mistake("y is twice the size of x: it should have the given shape, which is odd where the encoder's was")
def twice_the_size(x, corners, shape):
    N, H, W, C = corners.shape
    return put(x, corners, (N, 2 * H, 2 * W, C))


def with_corners(x, corners, shape):
    return max_unpool(x, corners, shape), corners


def picked(dy, corners):
    """dy at the corners; 0 where they lie beyond an odd border, or are none of the four."""
    return (windows(dy, 0) * (corners[:, :, :, None] == np.arange(4)[:, None])).sum(axis=3)


unpool_backward = Table(READ, lambda: pooled((2, 7, 10, 3), (4, 9, 5, 2)), ["dx"], with_corners)
@unpool_backward.formula
def right_unpool_dx(dy, x, corners, shape):
    window, there = windows(dy, 0), corners[:, :, :, None] == np.arange(4)[:, None]
    dx = (window * there).sum(axis=3)
    return dx


unpool_backward.mistake("dx is the sum over the window: x was copied to one corner only, so take what stands there",
                        sum_of_window=lambda dy, x, corners, shape: windows(dy, 0).sum(axis=3))
unpool_backward.mistake("dx is the mean over the window: x was copied to one corner only, so take what stands there",
                        mean_of_window=lambda dy, x, corners, shape: windows(dy, 0).mean(axis=3))
unpool_backward.mistake("dx is the mean over the window: x was copied to one corner only, so take what stands there",
                        mean_of_what_is_inside=lambda dy, x, corners, shape: (
                            windows(dy, 0).sum(axis=3) / windows(np.ones_like(dy), 0).sum(axis=3)))
unpool_backward.mistake("dx is the largest dy of the window: take the one in the remembered corner, whatever its size",
                        max_of_window=lambda dy, x, corners, shape: max_pool(dy)[0])
unpool_backward.mistake("dx always comes from the upper left corner: take it from the remembered one",
                        always_first_corner=lambda dy, x, corners, shape: dy[:, ::2, ::2])
unpool_backward.mistake("corners 1 and 2 are exchanged: 0 1 are the upper two, 2 3 the lower two",
                        corners_by_column=lambda dy, x, corners, shape: take_from_corners(dy, by_column(corners)))
unpool_backward.mistake("dx comes from the corner opposite to the remembered one",
                        opposite=lambda dy, x, corners, shape: picked(dy, corners ^ 3))
unpool_backward.mistake("upper and lower row of each window are exchanged",
                        rows_exchanged=lambda dy, x, corners, shape: picked(dy, corners ^ 2))
unpool_backward.mistake("left and right column of each window are exchanged",
                        columns_exchanged=lambda dy, x, corners, shape: picked(dy, corners ^ 1))
unpool_backward.mistake("the corners are taken as counted from 1: they are 0 to 3",
                        from_one=lambda dy, x, corners, shape: picked(dy, corners.astype(int) - 1))
unpool_backward.mistake("dx is the sum over the three corners that x was not copied to",
                        the_other_three=lambda dy, x, corners, shape: windows(dy, 0).sum(axis=3) - picked(dy, corners))
unpool_backward.mistake("the corners of channel 0 are taken for all channels: each has its own",
                        corners_of_the_first_channel=lambda dy, x, corners, shape: picked(dy, first_channel(corners)))
unpool_backward.mistake("the corners of image 0 are taken for all images: each has its own",
                        corners_of_the_first_image=lambda dy, x, corners, shape: picked(dy, first_image(corners)))
unpool_backward.mistake("the windows at an odd border give nothing: they are clipped, and have a corner all the same",
                        odd_border_left_out=lambda dy, x, corners, shape: cut(
                            picked(dy, corners), shape[1] // 2, shape[2] // 2))


@unpool_backward.mistake("dx has only what the last corner of each window finds: add up (+=) over the corners")
def overwritten(dy, x, corners, shape):
    dx = np.zeros(corners.shape)
    for k in range(4):
        there = dy[:, k // 2 :: 2, k % 2 :: 2]
        _, h, w, _ = there.shape
        dx[:, :h, :w] = there * (corners[:, :h, :w] == k)
    return dx


unpool_backward.mistake("corners 2 and 3 are exchanged: 2 is lower left, and 3 lower right",
                        counted_round=lambda dy, x, corners, shape: picked(dy, counted_round(corners)))
unpool_backward.mistake("the lower right corner gives nothing: the corners are 0, 1, 2 and 3",
                        lower_right_left_out=lambda dy, x, corners, shape: picked(dy, corners) * (corners != 3))
unpool_backward.mistake("the upper left corner gives nothing: the corners are 0, 1, 2 and 3",
                        upper_left_left_out=lambda dy, x, corners, shape: picked(dy, corners) * (corners != 0))
unpool_backward.mistake("only the first image has a gradient, the others have 0: do all (is a return in the loop?)",
                        first_image_alone=lambda dy, x, corners, shape: alone(0, picked(dy, corners)))
unpool_backward.mistake("only the last image has a gradient, the others have 0: do all (is dx made anew for each?)",
                        last_image_alone=lambda dy, x, corners, shape: alone(-1, picked(dy, corners)))
unpool_backward.mistake("dx is dy times x: x was copied, so its slope is 1",
                        times_x=lambda dy, x, corners, shape: picked(dy, corners) * x)
