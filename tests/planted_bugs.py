"""Wrong backward functions, each with one mistake of real life: what the gradient checker has to reject.

The docstring of each says what is wrong with it. PLANTED holds pairs of the library's backward's name and the function.
"""

import numpy as np

from tinysegnet import ops

PLANTED = []


def planted(op):
    def add(bug):
        PLANTED.append((op, bug))
        return bug
    return add


# conv2d_backward


@planted("conv2d_backward")
def conv_dx_kernel_not_rotated(dy, cache, need_dx=True):
    """dx is computed as a convolution of dy with w, but the kernel is not rotated by 180 degrees first."""
    x, w = cache
    _, dw, db = ops.conv2d_backward(dy, cache, need_dx=False)
    dx = None
    if need_dx:
        dx, _ = ops.conv2d(dy, w.transpose(0, 1, 3, 2), np.zeros(x.shape[3], x.dtype))
    return dx, dw, db


@planted("conv2d_backward")
def conv_dx_kernel_flipped_in_rows_only(dy, cache, need_dx=True):
    """dx is a convolution with the flipped kernel, but the flip is up-down only, not left-right too."""
    x, w = cache
    _, dw, db = ops.conv2d_backward(dy, cache, need_dx=False)
    dx = None
    if need_dx:
        flipped = w[::-1].transpose(0, 1, 3, 2)
        dx, _ = ops.conv2d(dy, flipped, np.zeros(x.shape[3], x.dtype))
    return dx, dw, db


@planted("conv2d_backward")
def conv_dx_weights_reshaped_not_transposed(dy, cache, need_dx=True):
    """In dx the (C, F) slice of w is reshaped to (F, C) where it should be transposed."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].reshape(F, C)
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dx_overlapping_windows_overwritten(dy, cache, need_dx=True):
    """dx: each kernel offset overwrites what the offsets before it wrote (= instead of +=)."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] = dy @ w[i, j].T
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dx_padding_cut_off_at_one_end(dy, cache, need_dx=True):
    """dx: the padding is cut off at the lower right end only, so dx is shifted by K//2 rows and columns."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, :H, :W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dx_border_left_zero(dy, cache, need_dx=True):
    """dx is filled only where the whole kernel lies inside the image; the border stays zero."""
    x, w = cache
    N, H, W, C = x.shape
    m = w.shape[0] // 2
    right, dw, db = ops.conv2d_backward(dy, cache)
    if not need_dx:
        return None, dw, db
    dx = np.zeros_like(x)
    dx[:, m:H - m, m:W - m] = right[:, m:H - m, m:W - m]
    return dx, dw, db


@planted("conv2d_backward")
def conv_dx_band_halos_overwritten(dy, cache, need_dx=True):
    """dx: worked through in bands of two rows, each overwriting the rows it shares with the band above."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    m = K // 2
    _, dw, db = ops.conv2d_backward(dy, cache, need_dx=False)
    if not need_dx:
        return None, dw, db
    dpadded = np.zeros((N, H + 2 * m, W + 2 * m, C), x.dtype)
    for n in range(N):
        for top in range(0, H, 2):
            bottom = min(top + 2, H)
            dcolumns = dy[n, top:bottom] @ w.reshape(-1, F).T
            dpadded[n, top:bottom + K - 1] = ops.col2im(dcolumns, K)
    return dpadded[:, m:m + H, m:m + W], dw, db


@planted("conv2d_backward")
def conv_dx_from_the_first_filter_only(dy, cache, need_dx=True):
    """dx adds up the first filter only; the sum over the other filters is missing."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy[..., :1] * w[i, j, :, 0]
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dx_float64_buffer(dy, cache, need_dx=True):
    """dx is float64 for float32 inputs, as np.zeros is called without the dtype; the values are right."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros(padded.shape)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_weights_rotated_in_place(dy, cache, need_dx=True):
    """The gradients are right, but the kernel is rotated in place for dx: the caller's w is changed."""
    x, w = cache
    _, dw, db = ops.conv2d_backward(dy, cache, need_dx=False)
    dx = None
    if need_dx:
        w[...] = w[::-1, ::-1].copy()
        dx, _ = ops.conv2d(dy, w.transpose(0, 1, 3, 2), np.zeros(x.shape[3], x.dtype))
    return dx, dw, db


@planted("conv2d_backward")
def conv_dw_rotated(dy, cache, need_dx=True):
    """dw is rotated by 180 degrees: the offsets run backwards, as for a true convolution."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[K - 1 - i, K - 1 - j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dw_rows_and_columns_swapped(dy, cache, need_dx=True):
    """dw has kernel rows and kernel columns swapped: dw[j, i] is written where dw[i, j] should be."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[j, i] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dw_of_the_last_image_only(dy, cache, need_dx=True):
    """dw is overwritten for each image instead of accumulated, so only the last image counts."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    m = K // 2
    flat_w = w.reshape(-1, F)
    dx = np.zeros_like(x)
    for n in range(N):
        columns = ops.im2col(np.pad(x[n], ((m, m), (m, m), (0, 0))), K).reshape(H * W, -1)
        dw = columns.T @ dy[n].reshape(H * W, F)
        dx[n] = ops.col2im(dy[n] @ flat_w.T, K)[m:m + H, m:m + W]
    return dx if need_dx else None, dw.reshape(w.shape), dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dw_last_odd_row_dropped(dy, cache, need_dx=True):
    """dw: bands of two rows, and where H is odd the last row of the image is left out. Right for even H."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    m = K // 2
    dx, _, db = ops.conv2d_backward(dy, cache, need_dx)
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    flat_dw = np.zeros((K * K * C, F), w.dtype)
    for n in range(N):
        for band in range(H // 2):
            top = 2 * band
            columns = ops.im2col(padded[n, top:top + 2 + K - 1], K).reshape(2 * W, -1)
            flat_dw += columns.T @ dy[n, top:top + 2].reshape(2 * W, F)
    return dx, flat_dw.reshape(w.shape), db


@planted("conv2d_backward")
def conv_dw_edge_padding(dy, cache, need_dx=True):
    """dw: x is padded by repeating its edge where the forward pads with zeros. The centre of dw is right."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)), mode="edge")
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dw_wraps_around(dy, cache, need_dx=True):
    """dw: x is shifted with np.roll, so pixels that leave on one side come back in on the other."""
    x, w = cache
    K = w.shape[0]
    dx, _, db = ops.conv2d_backward(dy, cache, need_dx)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            shifted = np.roll(x, (K // 2 - i, K // 2 - j), axis=(1, 2))
            dw[i, j] = np.tensordot(shifted, dy, axes=([0, 1, 2], [0, 1, 2]))
    return dx, dw, db


@planted("conv2d_backward")
def conv_dw_padded_one_row_too_many(dy, cache, need_dx=True):
    """dw: x is padded with one row too many at the top, so dw belongs to the row of pixels above."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    dx, _, db = ops.conv2d_backward(dy, cache, need_dx)
    padded = np.pad(x, ((0, 0), (m + 1, m), (m, m), (0, 0)))
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
    return dx, dw, db


@planted("conv2d_backward")
def conv_dw_column_order_channels_first(dy, cache, need_dx=True):
    """dw is unfolded as if a column were ordered (C, K, K), where im2col orders it (K, K, C)."""
    x, w = cache
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    m = K // 2
    dx, _, db = ops.conv2d_backward(dy, cache, need_dx)
    flat_dw = 0
    for image, d in zip(np.pad(x, ((0, 0), (m, m), (m, m), (0, 0))), dy):
        flat_dw = flat_dw + ops.im2col(image, K).reshape(H * W, -1).T @ d.reshape(H * W, F)
    return dx, flat_dw.reshape(C, K, K, F).transpose(1, 2, 0, 3), db


@planted("conv2d_backward")
def conv_dw_averaged_over_the_batch(dy, cache, need_dx=True):
    """dw is divided by N, though the mean over the batch is the business of the loss."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy) / N
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2))


@planted("conv2d_backward")
def conv_dw_last_input_channel_forgotten(dy, cache, need_dx=True):
    """dw: the loop over the input channels ends one too early; dw of the last channel stays zero."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    dx, _, db = ops.conv2d_backward(dy, cache, need_dx)
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dw = np.zeros_like(w)
    for i in range(K):
        for j in range(K):
            for c in range(C - 1):
                dw[i, j, c] = (padded[:, i:i + H, j:j + W, c, None] * dy).sum(axis=(0, 1, 2))
    return dx, dw, db


@planted("conv2d_backward")
def conv_db_once_per_kernel_entry(dy, cache, need_dx=True):
    """db is accumulated inside the loop over the kernel, so it is K*K times too large."""
    x, w = cache
    N, H, W, C = x.shape
    K = w.shape[0]
    m = K // 2
    padded = np.pad(x, ((0, 0), (m, m), (m, m), (0, 0)))
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    db = np.zeros_like(w[0, 0, 0])
    for i in range(K):
        for j in range(K):
            dw[i, j] = np.einsum("nrqc,nrqf->cf", padded[:, i:i + H, j:j + W], dy)
            dpadded[:, i:i + H, j:j + W] += dy @ w[i, j].T
            db += dy.sum(axis=(0, 1, 2))
    dx = dpadded[:, m:m + H, m:m + W] if need_dx else None
    return dx, dw, db


@planted("conv2d_backward")
def conv_db_not_summed_over_columns(dy, cache, need_dx=True):
    """db is summed over two axes of three and has the shape (W, F) instead of (F,)."""
    dx, dw, _ = ops.conv2d_backward(dy, cache, need_dx)
    return dx, dw, dy.sum(axis=0).sum(axis=0)


@planted("conv2d_backward")
def conv_db_mean_instead_of_sum(dy, cache, need_dx=True):
    """db is the mean of dy over images and pixels, where it should be the sum."""
    dx, dw, _ = ops.conv2d_backward(dy, cache, need_dx)
    return dx, dw, dy.mean(axis=(0, 1, 2))


# batch_norm_backward


@planted("batch_norm_backward")
def bn_dx_without_the_mean_path(dy, cache):
    """dx: the path through the mean is missing."""
    x_hat, gamma, inv_std = cache
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    stretch = (dy * x_hat).mean(axis=(0, 1, 2))
    return gamma * inv_std * (dy - x_hat * stretch), dgamma, dbeta


@planted("batch_norm_backward")
def bn_dx_without_the_variance_path(dy, cache):
    """dx: the path through the variance is missing."""
    x_hat, gamma, inv_std = cache
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx_hat = dy * gamma
    return inv_std * (dx_hat - dx_hat.mean(axis=(0, 1, 2))), dgamma, dbeta


@planted("batch_norm_backward")
def bn_dx_statistics_taken_as_constants(dy, cache):
    """dx: mean and variance are taken for constants, as at inference, so both of their paths are missing."""
    x_hat, gamma, inv_std = cache
    dgamma = np.einsum("nhwc,nhwc->c", dy, x_hat)
    dbeta = np.einsum("nhwc->c", dy)
    return dy * gamma * inv_std, dgamma, dbeta


@planted("batch_norm_backward")
def bn_dx_without_gamma(dy, cache):
    """dx: gamma is left out."""
    x_hat, gamma, inv_std = cache
    M = x_hat.size // x_hat.shape[-1]
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = inv_std * (dy - dbeta / M - x_hat * dgamma / M)
    return dx, dgamma, dbeta


@planted("batch_norm_backward")
def bn_dx_divided_by_the_variance(dy, cache):
    """dx is divided by the variance instead of the standard deviation: inv_std comes in squared."""
    x_hat, gamma, inv_std = cache
    M = x_hat.size // x_hat.shape[-1]
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std ** 2 * (dy - dbeta / M - x_hat * dgamma / M)
    return dx, dgamma, dbeta


@planted("batch_norm_backward")
def bn_dx_variance_path_with_the_wrong_sign(dy, cache):
    """dx: the term of the variance path is added where it should be taken away."""
    x_hat, gamma, inv_std = cache
    M = x_hat.size // x_hat.shape[-1]
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std / M * (M * dy - dbeta + x_hat * dgamma)
    return dx, dgamma, dbeta


@planted("batch_norm_backward")
def bn_dx_square_without_its_two(dy, cache):
    """dx: step by step through the graph, but the derivative of the square lacks its factor 2."""
    x_hat, gamma, inv_std = cache
    M = x_hat.size // x_hat.shape[-1]
    centred = x_hat / inv_std
    dx_hat = gamma * dy
    dvar = (dx_hat * centred).sum(axis=(0, 1, 2)) * -0.5 * inv_std ** 3
    dcentred = dx_hat * inv_std + dvar * centred / M
    dx = dcentred - dcentred.mean(axis=(0, 1, 2))
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward")
def bn_dx_statistics_of_each_image(dy, cache):
    """dx: the two means are taken over each image alone (instance norm), not over the batch."""
    x_hat, gamma, inv_std = cache
    shift = dy.mean(axis=(1, 2), keepdims=True)
    stretch = (dy * x_hat).mean(axis=(1, 2), keepdims=True)
    dx = gamma * inv_std * (dy - shift - x_hat * stretch)
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward")
def bn_dx_batch_forgotten_in_the_divisor(dy, cache):
    """dx: the sums over the batch are divided by H*W, without N."""
    x_hat, gamma, inv_std = cache
    N, H, W, C = x_hat.shape
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std * (dy - dbeta / (H * W) - x_hat * dgamma / (H * W))
    return dx, dgamma, dbeta


@planted("batch_norm_backward")
def bn_dx_divided_by_one_less(dy, cache):
    """dx: the closed form is divided by M - 1 instead of M, as if the variance were the unbiased one."""
    x_hat, gamma, inv_std = cache
    M = x_hat.size // x_hat.shape[-1]
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std / max(M - 1, 1) * (M * dy - dbeta - x_hat * dgamma)
    return dx, dgamma, dbeta


@planted("batch_norm_backward")
def bn_dx_gamma_missing_in_the_means(dy, cache):
    """dx: gamma multiplies dy itself but is left out of the two means that are taken away."""
    x_hat, gamma, inv_std = cache
    dx_hat = gamma * dy
    shift = dy.mean(axis=(0, 1, 2))
    stretch = (dy * x_hat).mean(axis=(0, 1, 2))
    dx = inv_std * (dx_hat - shift - x_hat * stretch)
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward")
def bn_dx_one_gamma_for_all_channels(dy, cache):
    """dx: the gamma of channel 0 is used for all channels, so only channel 0 is right."""
    x_hat, gamma, inv_std = cache
    dx_hat = gamma[0] * dy
    shift = dx_hat.mean(axis=(0, 1, 2))
    stretch = (dx_hat * x_hat).mean(axis=(0, 1, 2))
    dx = inv_std * (dx_hat - shift - x_hat * stretch)
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward")
def bn_dx_float64_through_np_prod(dy, cache):
    """dx is float64 for float32 inputs, as it is divided by the NumPy integer of np.prod; the values are right."""
    x_hat, gamma, inv_std = cache
    M = np.prod(x_hat.shape[:3])
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    dx = gamma * inv_std * (dy - (dbeta + x_hat * dgamma) / M)
    return dx, dgamma, dbeta


@planted("batch_norm_backward")
def bn_dy_centred_in_place(dy, cache):
    """The gradients are right, but the caller's dy is changed: its mean is taken away in place."""
    x_hat, gamma, inv_std = cache
    dgamma = (dy * x_hat).sum(axis=(0, 1, 2))
    dbeta = dy.sum(axis=(0, 1, 2))
    stretch = (dy * x_hat).mean(axis=(0, 1, 2))
    dy -= dy.mean(axis=(0, 1, 2))
    return gamma * inv_std * (dy - x_hat * stretch), dgamma, dbeta


@planted("batch_norm_backward")
def bn_dgamma_without_x_hat(dy, cache):
    """dgamma is the sum of dy, without x_hat: it is dbeta a second time."""
    x_hat, gamma, inv_std = cache
    dx_hat = gamma * dy
    shift = dx_hat.mean(axis=(0, 1, 2))
    stretch = (dx_hat * x_hat).mean(axis=(0, 1, 2))
    dx = inv_std * (dx_hat - shift - x_hat * stretch)
    return dx, dy.sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward")
def bn_dgamma_mean_instead_of_sum(dy, cache):
    """dgamma is the mean over the pixels, where it should be the sum; dx and dbeta are right."""
    x_hat, gamma, inv_std = cache
    shift = dy.mean(axis=(0, 1, 2))
    dgamma = (dy * x_hat).mean(axis=(0, 1, 2))
    dx = gamma * inv_std * (dy - shift - x_hat * dgamma)
    return dx, dgamma, dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward")
def bn_dgamma_with_the_scaled_output(dy, cache):
    """dgamma: dy is multiplied by gamma * x_hat, the output, instead of x_hat."""
    x_hat, gamma, inv_std = cache
    scaled = gamma * x_hat
    dx_hat = gamma * dy
    shift = dx_hat.mean(axis=(0, 1, 2))
    stretch = (dx_hat * x_hat).mean(axis=(0, 1, 2))
    dx = inv_std * (dx_hat - shift - x_hat * stretch)
    return dx, (dy * scaled).sum(axis=(0, 1, 2)), dy.sum(axis=(0, 1, 2))


@planted("batch_norm_backward")
def bn_dbeta_with_gamma(dy, cache):
    """dbeta is summed from the gradient of x_hat, so there is a gamma too many in it."""
    x_hat, gamma, inv_std = cache
    dx_hat = gamma * dy
    shift = dx_hat.mean(axis=(0, 1, 2))
    stretch = (dx_hat * x_hat).mean(axis=(0, 1, 2))
    dx = inv_std * (dx_hat - shift - x_hat * stretch)
    return dx, (dy * x_hat).sum(axis=(0, 1, 2)), dx_hat.sum(axis=(0, 1, 2))


# relu_backward


@planted("relu_backward")
def relu_mask_of_the_gradient(dy, cache):
    """The mask is where dy is positive, not where x was."""
    return dy * (dy > 0)


@planted("relu_backward")
def relu_mask_forgotten(dy, cache):
    """dy is handed on everywhere, also where x was negative."""
    return dy.copy()


@planted("relu_backward")
def relu_mask_inverted(dy, cache):
    """The mask is the wrong way round: dy passes where x was negative."""
    dx = dy.copy()
    dx[cache] = 0
    return dx


@planted("relu_backward")
def relu_slope_without_dy(dy, cache):
    """The slope of the ReLU itself is returned, 1 or 0, and not multiplied by dy."""
    return np.where(cache, 1, 0).astype(dy.dtype)


@planted("relu_backward")
def relu_negative_gradients_dropped(dy, cache):
    """A second ReLU is put on the gradient, as in guided backpropagation: negative entries of dy are lost."""
    return np.maximum(dy, 0) * cache


@planted("relu_backward")
def relu_leaks(dy, cache):
    """Where x was negative 0.01 of dy leaks through, as in a leaky ReLU."""
    return np.where(cache, dy, 0.01 * dy)


@planted("relu_backward")
def relu_dy_masked_in_place(dy, cache):
    """The gradient is right, but the zeros are written into the caller's dy."""
    dy[~cache] = 0
    return dy


@planted("relu_backward")
def relu_boolean_buffer(dy, cache):
    """dx is made with zeros_like of the mask, so it is boolean, and every nonzero gradient becomes True."""
    dx = np.zeros_like(cache)
    dx[cache] = dy[cache]
    return dx


@planted("relu_backward")
def relu_mask_as_float64(dy, cache):
    """dx is float64 for float32 inputs, as the mask is turned into Python floats; the values are right."""
    return dy * cache.astype(float)


# max_pool_backward


@planted("max_pool_backward")
def pool_gradient_to_all_four_corners(dy, corners, shape):
    """All four pixels of a window get dy, not only the maximum."""
    N, H, W, C = shape
    return dy.repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W]


@planted("max_pool_backward")
def pool_gradient_averaged(dy, corners, shape):
    """Each pixel of a window gets a quarter of dy, as for average pooling."""
    N, H, W, C = shape
    return (dy / 4).repeat(2, axis=1).repeat(2, axis=2)[:, :H, :W]


@planted("max_pool_backward")
def pool_corners_column_major(dy, corners, shape):
    """Corners 1 and 2 are mixed up: the number is read column by column instead of row by row."""
    N, H, W, C = shape
    dx = np.zeros(shape, dy.dtype)
    for k in range(4):
        column, row = divmod(k, 2)
        view = dx[:, row::2, column::2]
        h, w = view.shape[1:3]
        view[...] = np.where(corners == k, dy, 0)[:, :h, :w]
    return dx


@planted("max_pool_backward")
def pool_always_the_first_corner(dy, corners, shape):
    """dy always goes to the upper left pixel of the window; the corners are not looked at."""
    dx = np.zeros(shape, dy.dtype)
    dx[:, ::2, ::2] = dy
    return dx


@planted("max_pool_backward")
def pool_incomplete_windows_dropped(dy, corners, shape):
    """Only full windows are visited, so an odd last row or column gets no gradient. Right for even sizes."""
    N, H, W, C = shape
    dx = np.zeros(shape, dy.dtype)
    for r in range(H // 2):
        for q in range(W // 2):
            for k in range(4):
                dx[:, 2 * r + k // 2, 2 * q + k % 2] = dy[:, r, q] * (corners[:, r, q] == k)
    return dx


@planted("max_pool_backward")
def pool_size_rounded_up_to_even(dy, corners, shape):
    """dx is twice the pooled size and not cut to the given shape: one row or column too many for odd sizes."""
    N, h, w, C = dy.shape
    dx = np.zeros((N, 2 * h, 2 * w, C), dy.dtype)
    for k in range(4):
        dx[:, k // 2::2, k % 2::2] = dy * (corners == k)
    return dx


@planted("max_pool_backward")
def pool_corners_of_the_first_channel(dy, corners, shape):
    """The corners of channel 0 are used for all channels, so only channel 0 is right."""
    N, H, W, C = shape
    spread = np.zeros((N, 2 * dy.shape[1], 2 * dy.shape[2], C), dy.dtype)
    for k in range(4):
        spread[:, k // 2::2, k % 2::2] = dy * (corners[..., :1] == k)
    return spread[:, :H, :W]


@planted("max_pool_backward")
def pool_last_image_only(dy, corners, shape):
    """The buffer is made anew for each image, so only the last image has a gradient."""
    N, H, W, C = shape
    for n in range(N):
        dx = np.zeros(shape, dy.dtype)
        for r, q, c in np.ndindex(dy.shape[1:]):
            k = int(corners[n, r, q, c])
            dx[n, 2 * r + k // 2, 2 * q + k % 2, c] = dy[n, r, q, c]
    return dx


@planted("max_pool_backward")
def pool_negative_gradients_dropped(dy, corners, shape):
    """The corners are put together with np.maximum, which lets zeros win over negative gradients."""
    N, H, W, C = shape
    dx = np.zeros((N, 2 * dy.shape[1], 2 * dy.shape[2], C), dy.dtype)
    for k in range(4):
        view = dx[:, k // 2::2, k % 2::2]
        np.maximum(view, dy * (corners == k), out=view)
    return dx[:, :H, :W]


@planted("max_pool_backward")
def pool_corners_counted_down_in_place(dy, corners, shape):
    """The gradient is right, but the caller's corners are counted down to find whose turn it is."""
    N, H, W, C = shape
    dx = np.zeros((N, 2 * dy.shape[1], 2 * dy.shape[2], C), dy.dtype)
    for k in range(4):
        dx[:, k // 2::2, k % 2::2] = dy * (corners == 0)
        corners -= np.uint8(1)
    return dx[:, :H, :W]


@planted("max_pool_backward")
def pool_float64_buffer(dy, corners, shape):
    """dx is float64 for float32 inputs, as np.zeros is called without the dtype; the values are right."""
    dx = np.zeros(shape)
    n, r, q, c = np.indices(dy.shape)
    dx[n, 2 * r + corners // 2, 2 * q + corners % 2, c] = dy
    return dx


# max_unpool_backward


@planted("max_unpool_backward")
def unpool_sum_of_the_window(dy, corners):
    """dx is the sum over the whole window, not the gradient in the one corner."""
    N, H, W, C = dy.shape
    even = np.pad(dy, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)))
    return even[:, ::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, ::2] + even[:, 1::2, 1::2]


@planted("max_unpool_backward")
def unpool_pools_the_gradient_again(dy, corners):
    """dx is the maximum of dy in each window: the gradient is max-pooled afresh, the old corners are not used."""
    return ops.max_pool(dy)[0]


@planted("max_unpool_backward")
def unpool_corners_column_major(dy, corners):
    """Corners 1 and 2 are mixed up: the number is read column by column instead of row by row."""
    N, H, W, C = dy.shape
    even = np.pad(dy, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)))
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        dx += even[:, k % 2::2, k // 2::2] * (corners == k)
    return dx


@planted("max_unpool_backward")
def unpool_corners_counted_from_the_end(dy, corners):
    """The corner is read as 3 - k, so each value comes from the corner across."""
    N, H, W, C = dy.shape
    even = np.pad(dy, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)))
    quads = np.stack([even[:, 1::2, 1::2], even[:, 1::2, ::2], even[:, ::2, 1::2], even[:, ::2, ::2]])
    return np.take_along_axis(quads, corners[None].astype(int), axis=0)[0]


@planted("max_unpool_backward")
def unpool_last_corner_overwrites(dy, corners):
    """Each corner overwrites the one before it (= instead of +=), so full windows know only corner 3."""
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        view = dy[:, k // 2::2, k % 2::2]
        h, w = view.shape[1:3]
        dx[:, :h, :w] = view * (corners[:, :h, :w] == k)
    return dx


@planted("max_unpool_backward")
def unpool_incomplete_windows_dropped(dy, corners):
    """Only full windows are visited: dx is zero in the last row and column where H or W is odd."""
    N, H, W, C = dy.shape
    h, w = H // 2, W // 2
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        dx[:, :h, :w] += dy[:, k // 2:2 * h:2, k % 2:2 * w:2] * (corners[:, :h, :w] == k)
    return dx


@planted("max_unpool_backward")
def unpool_corners_of_the_first_image(dy, corners):
    """The corners of image 0 are used for every image of the batch."""
    dx = np.zeros(corners.shape, dy.dtype)
    for r, q, c in np.ndindex(corners.shape[1:]):
        i, j = divmod(int(corners[0, r, q, c]), 2)
        dx[:, r, q, c] = dy[:, 2 * r + i, 2 * q + j, c]
    return dx


@planted("max_unpool_backward")
def unpool_dy_masked_in_place(dy, corners):
    """The gradient is right, but the mask is multiplied into views of dy: the caller's dy is changed."""
    dx = np.zeros(corners.shape, dy.dtype)
    for k in range(4):
        view = dy[:, k // 2::2, k % 2::2]
        h, w = view.shape[1:3]
        view *= corners[:, :h, :w] == k
        dx[:, :h, :w] += view
    return dx


# softmax_cross_entropy_backward


@planted("softmax_cross_entropy_backward")
def loss_dloss_ignored(dloss, cache):
    """dloss is taken to be 1."""
    log_p, one_hot, pixel_weights = cache
    return pixel_weights[..., None] * (np.exp(log_p) - one_hot)


@planted("softmax_cross_entropy_backward")
def loss_class_weights_left_out(dloss, cache):
    """The class weights are in the loss but not in its gradient."""
    log_p, one_hot, pixel_weights = cache
    labelled = one_hot.any(axis=3).astype(log_p.dtype)
    per_pixel = labelled / np.maximum(labelled.sum(), 1)
    return dloss * per_pixel[..., None] * (np.exp(log_p) - one_hot)


@planted("softmax_cross_entropy_backward")
def loss_void_counted_in_the_divisor(dloss, cache):
    """The gradient is divided by the number of all pixels, void ones too, not by that of the labelled ones."""
    log_p, one_hot, pixel_weights = cache
    weights = pixel_weights * int(one_hot.sum())
    dlogits = (np.exp(log_p) - one_hot) * weights[..., None]
    return dloss * dlogits / weights.size


@planted("softmax_cross_entropy_backward")
def loss_divided_by_the_sum_of_weights(dloss, cache):
    """The gradient is divided by the sum of the pixels' weights, not by the number of labelled pixels."""
    log_p, one_hot, pixel_weights = cache
    total = pixel_weights.sum()
    normalised = pixel_weights / total if total > 0 else pixel_weights
    return (dloss * normalised)[..., None] * (np.exp(log_p) - one_hot)


@planted("softmax_cross_entropy_backward")
def loss_averaged_over_the_batch_again(dloss, cache):
    """The gradient is divided by N once more, though the divisor already counts the pixels of all images."""
    log_p, one_hot, pixel_weights = cache
    return (dloss * pixel_weights)[..., None] * (np.exp(log_p) - one_hot) / len(log_p)


@planted("softmax_cross_entropy_backward")
def loss_weight_of_the_channel(dloss, cache):
    """Each channel is multiplied by its own class weight, where the whole pixel should have that of its label."""
    log_p, one_hot, pixel_weights = cache
    labelled = one_hot.any(axis=3, keepdims=True)
    class_weights = (one_hot * pixel_weights[..., None]).max(axis=(0, 1, 2))
    return dloss * class_weights * labelled * (np.exp(log_p) - one_hot)


@planted("softmax_cross_entropy_backward")
def loss_weight_on_the_one_hot_only(dloss, cache):
    """The class weight multiplies the one-hot only; p comes in with weight 1. Right where all weights are 1."""
    log_p, one_hot, pixel_weights = cache
    labelled = one_hot.any(axis=3, keepdims=True).astype(log_p.dtype)
    count = max(int(labelled.sum()), 1)
    return dloss * (labelled / count * np.exp(log_p) - pixel_weights[..., None] * one_hot)


@planted("softmax_cross_entropy_backward")
def loss_void_pixels_get_a_gradient(dloss, cache):
    """Void pixels are not masked: they get p with weight 1. Labelled pixels are right."""
    log_p, one_hot, pixel_weights = cache
    void = ~one_hot.any(axis=3)
    count = max(int(one_hot.sum()), 1)
    weights = np.where(void, np.ones_like(pixel_weights) / count, pixel_weights)
    return (dloss * weights)[..., None] * (np.exp(log_p) - one_hot)


@planted("softmax_cross_entropy_backward")
def loss_one_hot_forgotten(dloss, cache):
    """The 1 at the label is not taken away: the gradient is p times the weight."""
    log_p, one_hot, pixel_weights = cache
    return (dloss * pixel_weights)[..., None] * np.exp(log_p)


@planted("softmax_cross_entropy_backward")
def loss_wrong_sign(dloss, cache):
    """The sign is wrong: one-hot minus p, which goes uphill."""
    log_p, one_hot, pixel_weights = cache
    return (dloss * pixel_weights)[..., None] * (one_hot - np.exp(log_p))


@planted("softmax_cross_entropy_backward")
def loss_labels_off_by_one(dloss, cache):
    """The labels are taken to start at 1: the one-hot is one class too far to the left."""
    log_p, one_hot, pixel_weights = cache
    classes = one_hot.shape[3]
    labels = one_hot.argmax(axis=3) - 1
    p = np.exp(log_p)
    return (dloss * pixel_weights)[..., None] * (p - np.eye(classes, dtype=p.dtype)[labels])


@planted("softmax_cross_entropy_backward")
def loss_softmax_jacobian_diagonal_only(dloss, cache):
    """The Jacobian of the softmax is taken to be diagonal, p * (1 - p), like that of a sigmoid."""
    log_p, one_hot, pixel_weights = cache
    p = np.exp(log_p)
    dp = -pixel_weights[..., None] * one_hot / p
    return dloss * dp * p * (1 - p)


@planted("softmax_cross_entropy_backward")
def loss_gradient_of_the_log_probabilities(dloss, cache):
    """The gradient stops at log p: the way through the log-softmax to the logits is missing."""
    log_p, one_hot, pixel_weights = cache
    return -dloss * pixel_weights[..., None] * one_hot


@planted("softmax_cross_entropy_backward")
def loss_softmax_twice(dloss, cache):
    """The probabilities are put through the softmax a second time."""
    log_p, one_hot, pixel_weights = cache
    p = ops.softmax(np.exp(log_p))
    return (dloss * pixel_weights)[..., None] * (p - one_hot)


@planted("softmax_cross_entropy_backward")
def loss_log_p_taken_for_p(dloss, cache):
    """The cached log p is used as if it were p."""
    p, one_hot, pixel_weights = cache
    return (dloss * pixel_weights)[..., None] * (p - one_hot)


@planted("softmax_cross_entropy_backward")
def loss_softmax_over_the_wrong_axis(dloss, cache):
    """The exponentials are normalised over the columns of the image instead of over the classes."""
    log_p, one_hot, pixel_weights = cache
    e = np.exp(log_p)
    p = e / e.sum(axis=2, keepdims=True)
    return (dloss * pixel_weights)[..., None] * (p - one_hot)


@planted("softmax_cross_entropy_backward")
def loss_last_class_left_out(dloss, cache):
    """The loop over the classes ends one too early: the last class gets no gradient."""
    log_p, one_hot, pixel_weights = cache
    dlogits = np.zeros_like(log_p)
    for k in range(log_p.shape[3] - 1):
        dlogits[..., k] = dloss * pixel_weights * (np.exp(log_p[..., k]) - one_hot[..., k])
    return dlogits


@planted("softmax_cross_entropy_backward")
def loss_float64_one_hot(dloss, cache):
    """dlogits is float64 for float32 inputs, as the one-hot is turned into Python floats; the values are right."""
    log_p, one_hot, pixel_weights = cache
    return (dloss * pixel_weights)[..., None] * (np.exp(log_p) - one_hot.astype(float))


@planted("softmax_cross_entropy_backward")
def loss_dloss_divided_in_place(dloss, cache):
    """The gradient is right, but the division by the count is done in place, in the caller's dloss."""
    log_p, one_hot, pixel_weights = cache
    count = max(int(one_hot.sum()), 1)
    weights = pixel_weights * count
    dloss /= count
    return (dloss * weights)[..., None] * (np.exp(log_p) - one_hot)
