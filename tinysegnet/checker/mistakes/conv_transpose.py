"""Known wrong answers of conv_transpose2d and conv_transpose2d_backward."""

import numpy as np

from tinysegnet.checker.mistakes.conv import windows
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.more.conv_transpose2d import conv_transpose2d

READ = "tinysegnet/ops/more/conv_transpose2d.py"


def cases():
    """K is even, so that (K - 1) // 2 is not K // 2, and each has an odd size to give back."""
    rng = np.random.default_rng(0)
    for N, H, W, C, F, K, height, width in ((2, 5, 6, 3, 7, 4, 9, 12), (3, 7, 9, 2, 5, 6, 14, 17)):
        x, w, b = (rng.standard_normal(shape) for shape in ((N, H, W, C), (K, K, C, F), F))
        yield x, w, b, (N, height, width, F)


def before(w):
    """How many rows and columns of the kernel are above and to the left of its pixel."""
    return (len(w) - 1) // 2


def rotated(w):
    return w[::-1, ::-1]


def reshaped(w):
    """w with its channels and filters exchanged by mistake."""
    K, _, C, F = w.shape
    return w.reshape(K, K, F, C).swapaxes(2, 3)


def grown(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


backward = Table(READ, cases, ["dx", "dw", "db"], conv_transpose2d, axes=("channel",))


def seen(dy, x, w, first=None, stride=2, above="constant", below="constant"):
    """What each pixel of x has put its kernel on, (K, K, N, H, W, F): dy from `first` rows above twice its place on.

    above, below  what stands outside dy, as np.pad calls it
    """
    (_, H, W, _), K, first = x.shape, len(w), before(w) if first is None else first
    padded = np.pad(dy, ((0, 0), (K, 0), (K, 0), (0, 0)), above)
    padded = np.pad(padded, ((0, 0), (0, 2 * K), (0, 2 * K), (0, 0)), below)
    rows, columns = ([slice(K - first + i, K - first + i + stride * size, stride) for i in range(K)] for size in (H, W))
    return np.array([[padded[:, row, column] for column in columns] for row in rows])


def right_dx(dy, x, w, **options):
    return np.einsum("ijnrqf,ijcf->nrqc", seen(dy, x, w, **options), w)


def right_dw(dy, x, w, **options):
    return np.einsum("ijnrqf,nrqc->ijcf", seen(dy, x, w, **options), x)


@backward.formula
def right_gradients(dy, x, w, b, shape):
    dy_seen, _ = np.moveaxis(seen(dy, x, w), (0, 1), (4, 5)), None
    dx = np.einsum("nrqfij,ijcf->nrqc", dy_seen, w)
    dw = np.einsum("nrqfij,nrqc->ijcf", dy_seen, x)
    db = dy.sum(axis=(0, 1, 2))
    return dx, dw, db


def every_second(dy):
    """dy with 0 in the odd rows and columns."""
    even = np.zeros_like(dy)
    even[:, ::2, ::2] = dy[:, ::2, ::2]
    return even


def filled_up_before(dy, x):
    """dy as of 2H x 2W, with the zeros above and to the left."""
    return np.pad(dy, ((0, 0), (dy.shape[1] % 2, 0), (dy.shape[2] % 2, 0), (0, 0)))


backward.mistake("in dx the kernel is rotated by 180 degrees: x put it out as it stands, so dy comes back through it "
                 "as it stands", "dx", dx_rotated=lambda dy, x, w, b, shape: right_dx(dy, x, rotated(w)))
backward.mistake("in dx the kernel is upside down: its first row belongs to the dy above", "dx",
                 dx_rows_flipped=lambda dy, x, w, b, shape: right_dx(dy, x, w[::-1]))
backward.mistake("in dx the kernel is mirrored: its first column belongs to the dy to the left", "dx",
                 dx_columns_flipped=lambda dy, x, w, b, shape: right_dx(dy, x, w[:, ::-1]))
backward.mistake("the rows and columns of the kernel are exchanged in dx: the first axis of w goes down the image",
                 "dx", dx_kernel_transposed=lambda dy, x, w, b, shape: right_dx(dy, x, w.swapaxes(0, 1)))
backward.mistake("in dx w is reshaped to exchange its channels and filters: transpose it, or its entries get mixed up",
                 "dx", dx_w_reshaped=lambda dy, x, w, b, shape: right_dx(dy, x, reshaped(w)))
backward.mistake("dx begins to read dy at 2r and 2q: the kernel began (K-1)//2 before", "dx",
                 dx_offset_forgotten=lambda dy, x, w, b, shape: right_dx(dy, x, w, first=0))
backward.mistake("dx begins to read dy K//2 before 2r and 2q: for an even K that is one too many, take (K-1)//2",
                 "dx", dx_offset_of_half=lambda dy, x, w, b, shape: right_dx(dy, x, w, first=before(w) + 1))
backward.mistake("dx reads dy around r and q: x[r, q] was put out around 2r and 2q", "dx",
                 dx_of_stride_one=lambda dy, x, w, b, shape: right_dx(dy, x, w, stride=1))
backward.mistake("outside dy its border is repeated in dx: what fell there was dropped, so nothing comes back", "dx",
                 dx_border_repeated=lambda dy, x, w, b, shape: right_dx(dy, x, w, above="edge", below="edge"))
backward.mistake("in dx dy[-1] is read where the row or column before the first is meant: it is the last one, and "
                 "nothing should come from there", "dx",
                 dx_negative_index=lambda dy, x, w, b, shape: right_dx(dy, x, w, above="wrap"))
backward.mistake("for an odd size dy is filled up above and on the left in dx: what was cut off is below and on the "
                 "right", "dx",
                 dx_filled_up_before=lambda dy, x, w, b, shape: right_dx(filled_up_before(dy, x), x, w))
backward.mistake("only the last place of the kernel is left in dx: add up (+=) over the kernel", "dx",
                 dx_overwritten=lambda dy, x, w, b, shape: seen(dy, x, w)[-1, -1] @ w[-1, -1].T)
backward.mistake("only the first filter reaches dx: add up over the filters", "dx",
                 dx_of_the_first_filter=lambda dy, x, w, b, shape: right_dx(dy[..., :1], x, w[..., :1]))


backward.mistake("dx leaves out the odd rows and columns of dy: x was put there too", "dx",
                 dx_of_every_second=lambda dy, x, w, b, shape: right_dx(every_second(dy), x, w))
backward.mistake("dx begins to read dy (K-1)//2 after 2r and 2q: the kernel began so much before", "dx",
                 dx_offset_the_other_way=lambda dy, x, w, b, shape: right_dx(dy, x, w, first=-before(w)))
backward.mistake("dx begins to read dy K-1 before 2r and 2q: the kernel began (K-1)//2 before", "dx",
                 dx_offset_of_the_whole_kernel=lambda dy, x, w, b, shape: right_dx(dy, x, w, first=len(w) - 1))
backward.mistake("dx is divided by K * K: the kernel has put x on K * K pixels, so it is the sum", "dx",
                 dx_mean_over_the_kernel=lambda dy, x, w, b, shape: right_dx(dy, x, w) / len(w) ** 2)
backward.mistake("dw is rotated by 180 degrees: w[i, j] put x at +i and +j, so dy is read there", "dw",
                 dw_rotated=lambda dy, x, w, b, shape: rotated(right_dw(dy, x, w)))
backward.mistake("the rows and columns of the kernel are exchanged in dw: the first axis of w goes down the image",
                 "dw", dw_kernel_transposed=lambda dy, x, w, b, shape: right_dw(dy, x, w).swapaxes(0, 1))
backward.mistake("x and dy are exchanged in dw, and then it is reshaped: it is x^T @ dy, with the channels of x first",
                 "dw",
                 dw_exchanged=lambda dy, x, w, b, shape: right_dw(dy, x, w).swapaxes(2, 3).reshape(w.shape))
backward.mistake("dw begins to read dy at 2r and 2q: the kernel began (K-1)//2 before", "dw",
                 dw_offset_forgotten=lambda dy, x, w, b, shape: right_dw(dy, x, w, first=0))
backward.mistake("dw begins to read dy K//2 before 2r and 2q: for an even K that is one too many, take (K-1)//2",
                 "dw", dw_offset_of_half=lambda dy, x, w, b, shape: right_dw(dy, x, w, first=before(w) + 1))
backward.mistake("dw reads dy around r and q: x[r, q] was put out around 2r and 2q", "dw",
                 dw_of_stride_one=lambda dy, x, w, b, shape: right_dw(dy, x, w, stride=1))
backward.mistake("dw begins to read dy (K-1)//2 after 2r and 2q: the kernel began so much before", "dw",
                 dw_offset_the_other_way=lambda dy, x, w, b, shape: right_dw(dy, x, w, first=-before(w)))
backward.mistake("dw begins to read dy K-1 before 2r and 2q: the kernel began (K-1)//2 before", "dw",
                 dw_offset_of_the_whole_kernel=lambda dy, x, w, b, shape: right_dw(dy, x, w, first=len(w) - 1))
backward.mistake("dw is upside down: its first row belongs to the dy above", "dw",
                 dw_rows_flipped=lambda dy, x, w, b, shape: right_dw(dy, x, w)[::-1])
backward.mistake("dw is mirrored: its first column belongs to the dy to the left", "dw",
                 dw_columns_flipped=lambda dy, x, w, b, shape: right_dw(dy, x, w)[:, ::-1])
backward.mistake("outside dy its border is repeated in dw: what fell there was dropped, so it counts nothing", "dw",
                 dw_border_repeated=lambda dy, x, w, b, shape: right_dw(dy, x, w, above="edge", below="edge"))
backward.mistake("in dw dy[-1] is read where the row or column before the first is meant: it is the last one, and "
                 "nothing should come from there", "dw",
                 dw_negative_index=lambda dy, x, w, b, shape: right_dw(dy, x, w, above="wrap"))
backward.mistake("dw leaves out the odd rows and columns of dy: x was put there too", "dw",
                 dw_of_every_second=lambda dy, x, w, b, shape: right_dw(every_second(dy), x, w))
backward.mistake("for an odd size dy is filled up above and on the left in dw: what was cut off is below and on the "
                 "right", "dw",
                 dw_filled_up_before=lambda dy, x, w, b, shape: right_dw(filled_up_before(dy, x), x, w))
backward.mistake("in dw each pixel of x is met by four, as if it had been repeated: between the pixels were zeros",
                 "dw", dw_of_repeated_pixels=lambda dy, x, w, b, shape: right_dw(dy, grown(x), w, stride=1))
backward.mistake("only the last image reached dw: add up (+=) over the images", "dw",
                 dw_from_last_image=lambda dy, x, w, b, shape: right_dw(dy[-1:], x[-1:], w))
backward.mistake("only the last pixel reached dw: add up (+=) over the pixels", "dw",
                 dw_from_last_pixel=lambda dy, x, w, b, shape: np.einsum(
                     "ijnf,nc->ijcf", seen(dy, x, w)[:, :, -1:, -1, -1], x[-1:, -1, -1]))
backward.mistake("only the first image reached dw: go on to the last", "dw",
                 dw_from_first_image=lambda dy, x, w, b, shape: right_dw(dy[:1], x[:1], w))
backward.mistake("dw is the mean over the pixels of x, but w was used at every pixel, so it is the sum", "dw",
                 dw_mean=lambda dy, x, w, b, shape: right_dw(dy, x, w) / x[..., 0].size)
backward.mistake("dw is divided by the number of images: the loss has taken its mean already, so the backward only "
                 "adds up", "dw", dw_mean_over_batch=lambda dy, x, w, b, shape: right_dw(dy, x, w) / len(x))
backward.mistake("db is the mean of dy, but b was added to every pixel, so it is the sum", "db",
                 db_mean=lambda dy, x, w, b, shape: dy.mean(axis=(0, 1, 2)))
backward.mistake("only the last image reached db: add up (+=) over the images", "db",
                 db_from_last_image=lambda dy, x, w, b, shape: dy[-1].sum(axis=(0, 1)))
backward.mistake("only the first image reached db: go on to the last", "db",
                 db_from_first_image=lambda dy, x, w, b, shape: dy[0].sum(axis=(0, 1)))
backward.mistake("db is divided by the number of images: the loss has taken its mean already, so the backward only "
                 "adds up", "db", db_mean_over_batch=lambda dy, x, w, b, shape: dy.sum(axis=(0, 1, 2)) / len(x))
backward.mistake("db leaves out the odd rows and columns: b was added to every pixel of y, those between too", "db",
                 db_of_every_second=lambda dy, x, w, b, shape: dy[:, ::2, ::2].sum(axis=(0, 1, 2)))
backward.mistake("db counts a pixel once for each kernel that meets there: b was added to it once", "db",
                 db_for_each_contribution=lambda dy, x, w, b, shape: (dy * contributions(x, w, shape)).sum((0, 1, 2)))
backward.mistake("db is multiplied by K * K: b was added once for each pixel, not for each place of the kernel", "db",
                 db_for_each_place=lambda dy, x, w, b, shape: len(w) ** 2 * dy.sum(axis=(0, 1, 2)))


forward = Table(READ, cases, ["y"], conv_transpose2d)


@forward.formula
def right_y(x, w, b, shape):
    (N, H, W, C), (K, _, _, _), (_, height, width, _) = x.shape, w.shape, shape
    spread = np.zeros((N, 2 * H, 2 * W, C))
    spread[:, ::2, ::2] = x
    product, _ = np.einsum("ijnrqc,ijcf->nrqf", windows(spread, K, -(K // 2)), w[::-1, ::-1]), None
    y = product[:, :height, :width] + b
    return y


def canvas(x, w, first=None, put=np.add, stride=2):
    """y without its bias, with 2K rows and columns around it; put(what is there, what comes) for each i and j."""
    (N, H, W, _), K, first = x.shape, len(w), before(w) if first is None else first
    whole = np.zeros((N, 2 * H + 5 * K, 2 * W + 5 * K, w.shape[3]))
    for i in range(K):
        for j in range(K):
            top, left = 2 * K - first + i, 2 * K - first + j
            there = whole[:, top : top + stride * H : stride, left : left + stride * W : stride]
            there[...] = put(there, x @ w[i, j])
    return whole


def inside(whole, w, shape):
    """The y in a canvas."""
    edge = 2 * len(w)
    return whole[:, edge : edge + shape[1], edge : edge + shape[2]]


def put_out(x, w, b, shape, **options):
    return inside(canvas(x, w, **options), w, shape) + b


def contributions(x, w, shape):
    """How many kernels meet in each pixel of y, (1, H', W', 1)."""
    return put_out(np.ones((1, *x.shape[1:3], 1)), np.ones((len(w), len(w), 1, 1)), 0, shape)


def comes(there, comes):
    return comes


forward.mistake("the kernel is rotated by 180 degrees: x[r, q] puts it out as it stands, w[0, 0] to the upper left",
                kernel_rotated=lambda x, w, b, shape: put_out(x, rotated(w), b, shape))
forward.mistake("the kernel is rotated by 180 degrees and begins K//2 before 2r and 2q: it is put out as it stands, "
                "from (K-1)//2 before",
                kernel_rotated_and_moved=lambda x, w, b, shape: put_out(x, rotated(w), b, shape, first=before(w) + 1))
forward.mistake("the kernel is upside down: its first row belongs to the pixels above",
                rows_flipped=lambda x, w, b, shape: put_out(x, w[::-1], b, shape))
forward.mistake("the kernel is mirrored: its first column belongs to the pixels to the left",
                columns_flipped=lambda x, w, b, shape: put_out(x, w[:, ::-1], b, shape))
forward.mistake("the rows and columns of the kernel are exchanged: its first axis goes down the image",
                kernel_transposed=lambda x, w, b, shape: put_out(x, w.swapaxes(0, 1), b, shape))
forward.mistake("w is reshaped to exchange its channels and filters: its channels are those of x already",
                w_reshaped=lambda x, w, b, shape: put_out(x, reshaped(w), b, shape))
forward.mistake("the kernel begins at 2r and 2q: it begins (K-1)//2 before, so that 2r and 2q are in its middle",
                offset_forgotten=lambda x, w, b, shape: put_out(x, w, b, shape, first=0))
forward.mistake("the kernel begins K//2 before 2r and 2q: for an even K that is one too many, take (K-1)//2",
                offset_of_half=lambda x, w, b, shape: put_out(x, w, b, shape, first=before(w) + 1))
forward.mistake("the kernel begins (K-1)//2 after 2r and 2q: it begins so much before",
                offset_the_other_way=lambda x, w, b, shape: put_out(x, w, b, shape, first=-before(w)))
forward.mistake("the kernel begins K-1 before 2r and 2q: it begins (K-1)//2 before, so that they are in its middle",
                offset_of_the_whole_kernel=lambda x, w, b, shape: put_out(x, w, b, shape, first=len(w) - 1))
forward.mistake("the kernels are put around r and q: the size doubles, so they belong around 2r and 2q",
                stride_one=lambda x, w, b, shape: put_out(x, w, b, shape, stride=1))
forward.mistake("where kernels overlap, the last place (i, j) overwrites the others: they add up (+=)",
                overwritten=lambda x, w, b, shape: put_out(x, w, b, shape, put=comes))


@forward.mistake("where kernels overlap, that of the last pixel overwrites the others: they add up (+=)")
def overwritten_by_pixels(x, w, b, shape):
    (_, H, W, _), K, whole = x.shape, len(w), canvas(x, 0 * w)
    for r in range(H):
        for q in range(W):
            top, left = 2 * K - before(w) + 2 * r, 2 * K - before(w) + 2 * q
            whole[:, top : top + K, left : left + K] = np.einsum("nc,ijcf->nijf", x[:, r, q], w)
    return inside(whole, w, shape) + b


forward.mistake("where kernels overlap, their mean is taken: they add up",
                mean_of_the_overlap=lambda x, w, b, shape: put_out(x, w, 0, shape) / contributions(x, w, shape) + b)
forward.mistake("the pixels of x are repeated before the kernel is put out: between them there should be zeros",
                pixels_repeated=lambda x, w, b, shape: put_out(grown(x), w, b, shape, stride=1))
forward.mistake("the bias is missing: add b[f] to every pixel of y",
                no_bias=lambda x, w, b, shape: put_out(x, w, 0, shape))
forward.mistake("the bias is added with each kernel that meets a pixel: add it once for each pixel of y",
                bias_for_each_contribution=lambda x, w, b, shape: (
                    put_out(x, w, 0, shape) + contributions(x, w, shape) * b))
forward.mistake("the bias of filter 0 is added to all: each filter has its own",
                one_bias=lambda x, w, b, shape: put_out(x, w, b[0], shape))
forward.mistake("y is divided by K * K: where kernels overlap they add up",
                divided_by_places=lambda x, w, b, shape: put_out(x, w, 0, shape) / len(w) ** 2 + b)
forward.mistake("the bias is added once for each channel of x: add it once for each pixel of y",
                bias_for_each_channel=lambda x, w, b, shape: put_out(x, w, x.shape[3] * b, shape))


@forward.mistake("the odd rows and columns have no bias: add b[f] to every pixel of y, those between too")
def bias_at_even_places(x, w, b, shape):
    y = put_out(x, w, 0, shape)
    y[:, ::2, ::2] += b
    return y


@forward.mistake("for an odd size the row or column too many is cut off above and on the left: it is below and on the "
                 "right")
def cut_off_before(x, w, b, shape):
    (N, H, W, _), F = x.shape, w.shape[3]
    whole = put_out(x, w, b, (N, 2 * H, 2 * W, F))
    return whole[:, shape[1] % 2 :, shape[2] % 2 :]


@forward.mistake("y is twice the size of x: it should have the given shape, which is odd where the encoder's was")
def twice_the_size(x, w, b, shape):
    N, H, W, _ = x.shape
    return put_out(x, w, b, (N, 2 * H, 2 * W, shape[3]))


@forward.mistake("what falls outside above and on the left comes in on the other side: y[-1] is the last row, drop it")
def negative_index(x, w, b, shape):
    whole, edge = canvas(x, w), 2 * len(w)
    bottom, right, size = edge + shape[1], edge + shape[2], before(w)
    whole[:, bottom - size : bottom] += whole[:, edge - size : edge]
    whole[:, :, right - size : right] += whole[:, :, edge - size : edge]
    return inside(whole, w, shape) + b


@forward.mistake("what falls outside is added to the border: it belongs to no pixel, drop it")
def outside_folded(x, w, b, shape):
    whole, y = canvas(x, w), np.zeros(shape)
    for r in range(whole.shape[1]):
        for q in range(whole.shape[2]):
            row, column = r - 2 * len(w), q - 2 * len(w)
            y[:, np.clip(row, 0, shape[1] - 1), np.clip(column, 0, shape[2] - 1)] += whole[:, r, q]
    return y + b


forward.mistake("only the first channel of x is in it: add up over the channels",
                first_channel=lambda x, w, b, shape: put_out(x[..., :1], w[:, :, :1], b, shape))
forward.mistake("only the last channel of x is in it: add up (+=) over the channels",
                last_channel=lambda x, w, b, shape: put_out(x[..., -1:], w[:, :, -1:], b, shape))
forward.mistake("every image of the batch has the result of the first",
                first_image_for_all=lambda x, w, b, shape: np.broadcast_to(put_out(x[:1], w, b, shape), shape))
