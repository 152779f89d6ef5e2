"""Max-pooling that remembers where, and the unpooling that uses it: the idea of SegNet (section 3).

Each 2 x 2 window has four corners,

    0 1
    2 3

and `corners` says in which of them the maximum was: the 2 bits per window that the encoder hands to the decoder. No
encoder value is ever handed over, only these positions. Everything below is one of two movements, and the one is the
backward of the other:

    put_into_corners      each value goes to its corner, zeros to the other three:  max_unpool, max_pool_backward
    take_from_corners     each window gives the value in its corner:                max_unpool_backward

An odd height or width leaves windows of one row or one column at the lower and right border (ceil mode).
"""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays
from tinysegnet.support.threads import on_gpu, parallel_map, row_bands


def max_pool(x):
    """y[n, r, q, c] = the maximum of the 2 x 2 window x[n, 2r : 2r + 2, 2q : 2q + 2, c]; of equals, the first.

    x        (N, H, W, C)
    y        (N, ceil(H / 2), ceil(W / 2), C)
    corners  like y, uint8: 0 to 3. They are the cache, together with x's shape

    Raises ValueError if x is not float32 or float64 or has not four dimensions.
    """
    check_arrays("max_pool", x=(x, "N H W C"))
    xp = array_module(x)
    y = xp.empty(pooled_shape(x.shape), x.dtype)
    corners = xp.empty(y.shape, "uint8")

    def job(band):
        first, *others = corner_views(x[band])
        y_band, corners_band = y[windows(band)], corners[windows(band)]
        y_band[...] = first                         # corner 0 is there in every window, the others not always
        corners_band[...] = 0
        for k, values in enumerate(others, start=1):
            _, h, w, _ = values.shape
            best, corner = y_band[:, :h, :w], corners_band[:, :h, :w]
            better = values > best                  # > and not >=: the first maximum wins
            xp.maximum(corner, better * xp.uint8(k), out=corner)        # the last that was better has the largest k
            xp.maximum(best, values, out=best)

    parallel_map(job, row_bands(x), on_gpu(x))
    return y, corners


def max_pool_backward(dy, corners, shape):
    """Only the maximum moved the output, so it gets all of dy and the other three get nothing.

    dy, corners  (N, ceil(H / 2), ceil(W / 2), C)
    shape        (N, H, W, C), the shape of x
    dx           (N, H, W, C)

    Raises ValueError if dy, corners and shape do not belong together.
    """
    check_pooled("max_pool_backward", "dy", dy, corners, shape)
    return put_into_corners(dy, corners, shape)


def max_unpool(x, corners, shape):
    """Upsampling with nothing learned: each value returns to the corner where the encoder found its maximum.

    x, corners  (N, ceil(H / 2), ceil(W / 2), C)
    shape       (N, H, W, C), the shape to give back: the encoder's before pooling, so that 45 comes back as 45, not 46
    y           (N, H, W, C), at least three zeros in each full window

    Raises ValueError if x, corners and shape do not belong together.
    """
    check_pooled("max_unpool", "x", x, corners, shape)
    return put_into_corners(x, corners, shape)


def max_unpool_backward(dy, corners):
    """x was copied to one place, so its gradient is the gradient found in that place.

    dy       (N, H, W, C)
    corners  (N, ceil(H / 2), ceil(W / 2), C)
    dx       like corners

    Raises ValueError if dy and corners do not belong together.
    """
    check_arrays("max_unpool_backward", dy=(dy, "N H W C"))
    check_corners("max_unpool_backward", corners, pooled_shape(dy.shape))
    return take_from_corners(dy, corners)


def put_into_corners(values, corners, shape):
    y = array_module(values).empty(shape, values.dtype)

    def job(band):
        its_values, its_corners = values[windows(band)], corners[windows(band)]
        for k, view in enumerate(corner_views(y[band])):
            _, h, w, _ = view.shape
            view[...] = (its_values * (its_corners == k))[:, :h, :w]

    parallel_map(job, row_bands(y), on_gpu(y))
    return y


def take_from_corners(y, corners):
    values = array_module(y).zeros(corners.shape, y.dtype)

    def job(band):
        its_values, its_corners = values[windows(band)], corners[windows(band)]
        for k, view in enumerate(corner_views(y[band])):
            _, h, w, _ = view.shape
            inside = its_values[:, :h, :w]
            inside += view * (its_corners[:, :h, :w] == k)

    parallel_map(job, row_bands(y), on_gpu(y))
    return values


def windows(band):
    """Where, in the pooled array, the windows of a band of rows are. A band begins at an even row."""
    images, rows = band
    return images, slice(rows.start // 2, (rows.stop + 1) // 2)


def corner_views(x):
    """Corner 0, 1, 2 and 3 of all windows: four views of x, the later ones shorter where H or W is odd."""
    return x[:, 0::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 0::2], x[:, 1::2, 1::2]


def pooled_shape(shape):
    N, H, W, C = shape
    return N, (H + 1) // 2, (W + 1) // 2, C


def check_pooled(op, name, values, corners, shape):
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ValueError(f"{op}: shape should be a tuple (N, H, W, C), got {shape}")
    check_arrays(op, **{name: (values, pooled_shape(shape), f"shape {shape}")})
    check_corners(op, corners, pooled_shape(shape))


def check_corners(op, corners, shape):
    if not hasattr(corners, "dtype"):
        raise ValueError(f"{op}: corners should be an array, got {type(corners).__name__}")
    if tuple(corners.shape) != shape or corners.dtype != "uint8":
        raise ValueError(f"{op}: corners should be uint8 {shape}, got {corners.dtype} {tuple(corners.shape)}")
