"""The checker is tested with bugs: those planted in planted_bugs.py were written without sight of the first tables of
known mistakes. The tables have grown since, and recognise 58 of the 88."""

from pathlib import Path

import numpy as np
import planted_right
import pytest
from cases import ARGS, FORWARD, NAMES, RIGHT, in_checker_form
from planted_bugs import PLANTED

from tinysegnet import ops
from tinysegnet.checker.finite_differences import numerical_gradient, rounding_floor, upstream, wrong_entries
from tinysegnet.checker.gradcheck import GradientError, check_backward
from tinysegnet.checker.mistakes import TABLES

# The planted bugs that happen to give the answer of a known mistake, and which. All others must not be named.
RECOGNISED = {
    "conv_dx_kernel_not_rotated": "dx is the convolution of dy with w as it stands",
    "conv_dx_overlapping_windows_overwritten": "where windows overlap, only the last place of the kernel counts in dx",
    "conv_dx_padding_cut_off_at_one_end": "dx is cut out of the padded gradient at the wrong place",
    "conv_dw_rotated": "dw is rotated by 180 degrees",
    "conv_dw_rows_and_columns_swapped": "the rows and columns of the kernel are exchanged",
    "conv_dw_of_the_last_image_only": "only the last image reached dw",
    "conv_dw_averaged_over_the_batch": "dw is divided by the number of images",
    "conv_db_mean_instead_of_sum": "db is the mean of dy",
    "bn_dx_without_the_mean_path": "the path through the mean adds nothing to dx",
    "bn_dx_without_the_variance_path": "the path through the variance adds nothing to dx",
    "bn_dx_statistics_taken_as_constants": "dx is what it would be if mean and variance were constants",
    "bn_dx_without_gamma": "dx lacks the factor gamma",
    "bn_dx_divided_by_the_variance": "dx is divided by the variance",
    "bn_dgamma_without_x_hat": "dgamma is the sum of dy alone",
    "bn_dgamma_mean_instead_of_sum": "dgamma is a mean over the pixels",
    "relu_mask_of_the_gradient": "dy passes where dy is positive",
    "relu_mask_forgotten": "dy is handed on everywhere",
    "relu_mask_inverted": "the mask is the wrong way round",
    "relu_slope_without_dy": "dx is the slope alone",
    "pool_corners_of_the_first_channel": "the corners of channel 0 are taken for all channels",
    "pool_gradient_to_all_four_corners": "all four corners get dy",
    "pool_gradient_averaged": "each corner gets a quarter of dy",
    "pool_corners_column_major": "corners 1 and 2 are exchanged",
    "pool_always_the_first_corner": "the gradient always goes to the upper left corner",
    "unpool_sum_of_the_window": "dx is the sum over the window",
    "unpool_pools_the_gradient_again": "dx is the largest dy of the window",
    "unpool_corners_column_major": "corners 1 and 2 are exchanged",
    "loss_dloss_ignored": "dloss is left out",
    "loss_class_weights_left_out": "the class weights are in the loss but not in its gradient",
    "loss_void_counted_in_the_divisor": "ignored pixels are counted in the divisor",
    "loss_divided_by_the_sum_of_weights": "divided by the sum of the weights",
    "loss_void_pixels_get_a_gradient": "ignored pixels get a gradient",
    "loss_wrong_sign": "the sign is turned round",
    "conv_dx_weights_reshaped_not_transposed": "w is reshaped to exchange its channels and filters",
    "bn_dx_variance_path_with_the_wrong_sign": "the path through the variance has the wrong sign",
    "bn_dx_square_without_its_two": "the path through the variance counts half",
    "bn_dx_batch_forgotten_in_the_divisor": "the means in dx divide by the pixels of one image",
    "relu_negative_gradients_dropped": "dx is 0 where dy is negative too",
    "relu_leaks": "a hundredth of dy passes where x was negative",
    "conv_dx_kernel_flipped_in_rows_only": "only the rows of the kernel are turned round",
    "conv_dw_edge_padding": "in dw the border of x is repeated outside",
    "conv_db_once_per_kernel_entry": "db is multiplied by K * K",
    "pool_incomplete_windows_dropped": "the windows at an odd border get nothing",
    "unpool_corners_counted_from_the_end": "dx comes from the corner opposite to the remembered one",
    "unpool_last_corner_overwrites": "dx has only what the last corner of each window finds",
    "unpool_incomplete_windows_dropped": "the windows at an odd border give nothing",
    "unpool_corners_of_the_first_image": "the corners of image 0 are taken for all images",
    "loss_one_hot_forgotten": "the gradient is p alone",
    "loss_softmax_jacobian_diagonal_only": "only the logit of the label has a gradient",
    "conv_db_not_summed_over_columns": "yours is what db = dy.sum(axis=(0, 1)) gives, one edit away",
    "bn_dgamma_with_the_scaled_output": "the right formula with one edit: dx_hat * x_hat in the place of dy * x_hat",
    "bn_dbeta_with_gamma": "yours is what dbeta = dx_hat.sum(axis=(0, 1, 2)) gives, one edit away",
    "loss_log_p_taken_for_p": "log p stands where p belongs",
    "bn_dx_statistics_of_each_image": "the two means in dx are those of each image",
    "conv_dw_column_order_channels_first": "dw is read as if its channels came first",
    "pool_last_image_only": "only the last image has a gradient",
    "loss_averaged_over_the_batch_again": "the gradient is divided by the number of images",
    "loss_gradient_of_the_log_probabilities": "it is minus one_hot times the weight of the pixel",
}


def report_on(op, backward):
    with pytest.raises(GradientError) as caught:
        check_backward(FORWARD[op], in_checker_form(op, backward), *ARGS[op], names=NAMES[op], mistakes=TABLES[op])
    return " ".join(str(caught.value).split())


@pytest.mark.parametrize("op, bug", PLANTED, ids=[bug.__name__ for _, bug in PLANTED])
def test_planted_bugs_are_rejected_and_none_is_named_wrongly(op, bug):
    report = report_on(op, bug)
    assert report.count(" mistake ") == (bug.__name__ in RECOGNISED)
    assert RECOGNISED.get(bug.__name__, "") in report


def test_there_are_enough_planted_bugs_and_all_names_are_theirs():
    assert len(PLANTED) >= 30 and {op for op, _ in PLANTED} == set(TABLES) & set(ops.__all__)
    assert RECOGNISED.keys() <= {bug.__name__ for _, bug in PLANTED}
    assert f"recognise {len(RECOGNISED)} of the {len(PLANTED)}" in __doc__
    contributing = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"{len(RECOGNISED)} of the {len(PLANTED)} are recognised" in contributing


@pytest.mark.parametrize("name", [name for name in vars(planted_right) if name.partition("__")[0] in TABLES])
def test_what_the_bugs_are_planted_into_passes(name):
    op, right = name.partition("__")[0], getattr(planted_right, name)
    check_backward(FORWARD[op], in_checker_form(op, right), *ARGS[op], names=NAMES[op])


@pytest.mark.parametrize("op", TABLES)
def test_the_library_passes(op):
    check_backward(FORWARD[op], RIGHT[op], *ARGS[op], names=NAMES[op])


def spoilt(position, spoil):
    """conv2d_backward with one gradient spoilt."""

    def conv2d_backward(dy, cache):
        gradients = list(ops.conv2d_backward(dy, cache))
        gradients[position] = spoil(gradients[position])
        return tuple(gradients)

    return conv2d_backward


def one_wrong(index):
    def spoil(gradient):
        gradient = gradient.copy()
        gradient[index] += 1
        return gradient

    return spoil


def border_wrong(dx):
    dx = dx + 1
    dx[:, 1:-1, 1:-1] -= 1
    return dx


@pytest.mark.parametrize(
    "position, spoil, sentence",
    [
        (0, np.zeros_like, "dx 210 of 210 entries wrong"),
        (0, np.zeros_like, "it is zero everywhere"),
        (0, lambda dx: -dx, "it is -1 times what it should be, everywhere"),
        (0, lambda dx: 2 * dx, "it is 2 times what it should be, everywhere"),
        (0, lambda dx: dx / 70, "times what it should be, everywhere; here that is 1 / (N*H*W)"),
        (0, np.abs, "it is right but for the sign of some entries"),
        (0, border_wrong, "it is wrong only within 1 of the border"),
        (0, one_wrong(np.s_[..., 2]), "all that is wrong is in channel 2"),
        (0, one_wrong(np.s_[:, 4]), "all that is wrong is in row 4"),
        (1, lambda dw: dw.swapaxes(2, 3).copy(), "dw should have the shape of w, (3, 3, 3, 2), has (3, 3, 2, 3)"),
        (1, lambda dw: dw.swapaxes(2, 3).copy(), "it is the right answer with its axes in the order (0, 1, 3, 2)"),
        (1, lambda dw: dw.reshape(3, 3, 2, 3).swapaxes(2, 3).copy(), "its numbers are the right ones, in other places"),
        (1, one_wrong(np.s_[1, 2]), "all that is wrong is in kernel row 1, kernel column 2"),
        (2, lambda db: db * np.nan, "db has NaN or infinite entries, 2 of 2, in float64"),
        (0, lambda dx: dx[:0], "dx should have the shape of x, (2, 5, 7, 3), has (0, 5, 7, 3)"),
        (2, lambda db: None, "db should be an array, is NoneType"),
        (2, lambda db: db.tolist(), "db should be an array, is list"),
        (2, lambda db: db.astype(np.float32), "db should be float64 where b is float64, is float32"),
    ],
)
def test_hints_say_what_is_there(position, spoil, sentence):
    report = report_on("conv2d_backward", spoilt(position, spoil))
    assert sentence in report
    for name in {"dx", "dw", "db"} - {("dx", "dw", "db")[position]}:
        assert f"{name} right" in report


def test_a_rotated_kernel_is_seen_without_a_table():
    rotated = spoilt(1, lambda dw: dw[::-1, ::-1].copy())
    rotated.__name__ = "rotated"
    with pytest.raises(GradientError, match="right answer rotated by 180 degrees"):
        check_backward(ops.conv2d, rotated, *ARGS["conv2d_backward"])


def test_all_ones_upstream_is_seen():
    def conv2d_backward(dy, cache):
        return ops.conv2d_backward(np.ones_like(dy), cache)

    report = report_on("conv2d_backward", conv2d_backward)
    assert report.count("it is what an upstream gradient of ones gives") == 1 and report.count("hint as for dx") == 2


def test_only_the_last_image_is_seen_without_a_table():
    def last_image_alone(dy, cache):
        x, w = cache
        dx, dw, db = ops.conv2d_backward(dy, cache)
        return dx, ops.conv2d_backward(dy[-1:], (x[-1:], w))[1], db

    with pytest.raises(GradientError, match="only the last image of the batch is in it"):
        check_backward(ops.conv2d, last_image_alone, *ARGS["conv2d_backward"])


def test_where_an_image_is_a_pixel_no_loop_over_images_is_suspected():
    def first_pixel_alone(dy, cache):
        x, w = cache
        dx, dw, db = ops.conv2d_backward(dy, cache)
        return dx, x[0, 0, 0][:, None] * dy[0, 0, 0] + 0 * dw, db

    def said(*shape):
        x, w = np.random.default_rng(0).standard_normal(shape), np.arange(1.0, 7).reshape(1, 1, 3, 2)
        with pytest.raises(GradientError) as caught:
            check_backward(ops.conv2d, first_pixel_alone, x, w, np.zeros(2))
        return str(caught.value)

    assert "first image" not in said(4, 1, 1, 3) and "first image" not in said(4, 2, 1, 3)


def test_the_report_as_a_learner_sees_it():
    with pytest.raises(GradientError) as caught:
        check_backward(
            ops.conv2d, spoilt(1, lambda dw: dw[::-1, ::-1].copy()), *ARGS["conv2d_backward"], seed=7
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == "conv2d_backward disagrees with finite differences"
    assert lines[1] == "  dx  right"
    assert lines[2].startswith("  dw  48 of 54 entries wrong, worst at dw[")
    assert lines[3].startswith("      yours      ") and lines[4].startswith("      numerical  ")
    assert lines[5] == "      mistake    dw is rotated by 180 degrees: the kernel offset (i, j) must"
    assert lines[7:] == [
        "  db  right",
        "  case  x (2, 5, 7, 3)  w (3, 3, 3, 2)  b (2,)  dy from seed 7",
        "  read  tinysegnet/ops/conv.py",
    ]
    assert max(map(len, lines)) < 80


def test_changes_in_place_are_named():
    def changes_w(dy, cache):
        gradients = ops.conv2d_backward(dy, cache)
        cache[1][0] = 0
        return gradients

    assert "w was changed in place" in report_on("conv2d_backward", changes_w)

    def changes_x_hat(dy, cache):
        gradients = ops.batch_norm_backward(dy, cache)
        cache[0][0] = 0
        return gradients

    assert "dx is another one if asked for again" in report_on("batch_norm_backward", changes_x_hat)


def test_number_of_gradients():
    with pytest.raises(GradientError, match="should return dx, dw, db: 3 arrays, not 2"):
        check_backward(ops.conv2d, lambda dy, cache: (dy, dy), *ARGS["conv2d_backward"])


def test_the_tolerance_is_a_millionth_of_the_largest_entry():
    def off_by(share):
        def spoil(dx):
            dx = dx.copy()
            dx[0, 0, 0, 0] += share * np.abs(dx).max()
            return dx

        return spoilt(0, spoil)

    assert "dx 1 of 210 entries wrong" in report_on("conv2d_backward", off_by(1.1e-6))
    check_backward(ops.conv2d, off_by(0.9e-6), *ARGS["conv2d_backward"])


def test_numerical_gradient_of_a_cubic():
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    np.testing.assert_allclose(numerical_gradient(lambda x: (x**3).sum(), x), 3 * x**2, rtol=1e-8)
    np.testing.assert_array_equal(x, before)


def test_rounding_alone_is_not_called_wrong_but_a_small_gradient_is():
    """A bias before a batch norm: the true gradient is 0, and 1e-6 of 0 would allow nothing."""
    floor = rounding_floor(1.0)
    assert 1e-10 < floor < 1e-8
    assert not wrong_entries(np.zeros(3), np.full(3, 0.5 * floor), floor).any()
    assert wrong_entries(np.zeros(3), np.full(3, 2 * floor), floor).all()
    assert wrong_entries(np.full(3, np.nan), np.zeros(3), floor).all()


def test_a_kink_is_not_blamed_on_the_backward():
    with pytest.raises(GradientError, match=r"the forward has a kink here, of slopes"):
        check_backward(ops.relu, ops.relu_backward, np.zeros((2, 3)), names=("x",), seed=1)


def test_a_wrong_dtype_does_not_hide_wrong_values():
    report = report_on("conv2d_backward", spoilt(0, lambda dx: 2 * dx.astype(np.float64)))
    assert "dx should be float32 where x is float32, is float64" in report
    assert "it is 2 times what it should be" in report


def ramp(dx):
    return dx + np.arange(dx.size).reshape(dx.shape)


def test_a_backward_that_fails_on_other_sizes_is_said_not_to_be_compared():
    def conv2d_backward(dy, cache):
        if cache[0].shape != ARGS["conv2d_backward"][0].shape:
            raise IndexError("only 5 x 7")
        return spoilt(0, ramp)(dy, cache)

    report = report_on("conv2d_backward", conv2d_backward)
    assert "it fails: IndexError: only 5 x 7" in report


def test_of_an_unknown_mistake_nothing_is_said():
    report = report_on("conv2d_backward", spoilt(0, ramp))
    assert " note " not in report and " hint " not in report and "known mistakes" not in report


@pytest.mark.parametrize(
    "spoil, sentence",
    [
        (lambda dy: 0 * dy, "it is zero everywhere"),
        (lambda dy: 3 * dy, "it is 3 times what it should be"),
        (lambda dy: np.where(np.arange(len(dy)) % 2, -dy, dy), "it is right but for the sign of some entries"),
        (lambda dy: np.roll(dy, 1), "its numbers are the right ones, in other places"),
        (lambda dy: dy + (np.arange(len(dy)) == 1), "all that is wrong is in axis 0, index 1"),
    ],
)
def test_two_numbers_are_too_few_for_a_hint(spoil, sentence):
    """What they have in common they may have by accident."""
    for size in 2, 4:
        with pytest.raises(GradientError) as caught:
            check_backward(lambda x: (x, None), lambda dy, _: spoil(dy).astype(dy.dtype), np.ones(size), names=("x",))
        assert (sentence in str(caught.value)) == (" hint " in str(caught.value)) == (size == 4)


def test_a_few_zeros_are_not_called_zero_everywhere():
    """A window, or a row, that was forgotten may be all that there is."""
    for shape in (1, 2, 2, 1), (3, 1, 6, 1), (2, 2, 3, 2):
        with pytest.raises(GradientError) as caught:
            check_backward(lambda x: (x, None), lambda dy, _: 0 * dy, np.ones(shape), names=("x",))
        assert ("it is zero everywhere" in str(caught.value)) == (shape == (2, 2, 3, 2))


def test_overwritten_and_not_added_up():
    """In whatever order a loop goes, = keeps one term of each sum."""
    def pairs(x):
        return x[:-1] + 2 * x[1:], x

    def backward(order, combine):
        def pairs_backward(dy, x):
            dx = np.zeros_like(x)
            for r in order(range(len(dy))):
                dx[r], dx[r + 1] = combine(dx[r], dy[r]), combine(dx[r + 1], 2 * dy[r])
            return dx

        return pairs_backward

    x = np.arange(6.0)
    check_backward(pairs, backward(iter, np.add), x, names=("x",))
    for order in iter, reversed:
        with pytest.raises(GradientError, match=r"one of the terms whose sum it\s+should be"):
            check_backward(pairs, backward(order, lambda there, comes: comes), x, names=("x",))
    others = [backward(iter, combine) for combine in (lambda there, comes: there + 3 * comes, np.fmax, np.fmin)]
    for other in others:
        with pytest.raises(GradientError) as caught:
            check_backward(pairs, other, x, names=("x",))
        assert "one of the terms" not in str(caught.value)


def test_without_a_table_axes_have_no_names():
    def linear(x, w):
        return x @ w, (x, w)

    def linear_backward(dy, cache):
        dx = dy @ cache[1].T
        dx[2] = 0
        return dx, cache[0].T @ dy

    x, w = np.arange(20.0).reshape(4, 5), np.arange(15.0).reshape(5, 3)
    with pytest.raises(GradientError, match="all that is wrong is in axis 0, index 2"):
        check_backward(linear, linear_backward, x, w, names=("x", "w"))


def test_wrong_use_is_named():
    with pytest.raises(ValueError, match="forward should return a tuple"):
        check_backward(np.exp, np.exp, np.ones(3), names=("x",))
    with pytest.raises(ValueError, match=r"names \('x', 'w', 'b'\) should name the first of args"):
        check_backward(ops.relu, ops.relu_backward, np.ones(3))
    with pytest.raises(ValueError, match="each a floating array"):
        check_backward(ops.relu, ops.relu_backward, np.arange(3), names=("x",))


def test_a_mistake_is_named_only_if_the_answer_is_equal_on_every_case():
    """Rotated but for a millionth, or rotated on one of the table's cases only: neither is the known mistake."""

    def almost(dy, cache):
        dx, dw, db = ops.conv2d_backward(dy, cache)
        return dx, dw[::-1, ::-1] * 1.00001, db

    def sometimes(dy, cache):
        dx, dw, db = ops.conv2d_backward(dy, cache)
        return dx, dw[::-1, ::-1].copy() if dw.shape[0] == 3 else dw, db

    for backward in (almost, sometimes):
        assert " mistake " not in report_on("conv2d_backward", backward)


def test_recognition_does_not_change_the_cases():
    """Wrong, and w set to 0 in place as well: with the changed w the library's forward would seem to be another one."""

    def clears_w(dy, cache):
        dx, dw, db = ops.conv2d_backward(dy, cache)
        cache[1][...] = 0
        return ramp(dx), dw, db

    report = report_on("conv2d_backward", clears_w)
    assert "w was changed in place" in report and "another forward" not in report


def test_the_seed_draws_the_upstream_gradient():
    y = np.zeros((2, 3), np.float32)
    assert (upstream(y, 0) == upstream(y, 0)).all() and (upstream(y, 0) != upstream(y, 1)).any()
    assert upstream(y, 0).dtype == np.float32 and np.abs(upstream(y, 0)).min() >= 0.5
    assert {-1, 1} == set(np.sign(upstream(np.zeros(20), 0)))


def test_one_number_has_no_place():
    def square(x):
        return x * x, x

    with pytest.raises(GradientError) as caught:
        check_backward(square, lambda dy, x: dy, np.array(0.3), names=("x",))
    assert "  dx  1 of 1 entries wrong\n" in str(caught.value)


def test_a_smooth_minimum_is_not_called_a_kink():
    def square(x):
        return x * x, x

    with pytest.raises(GradientError) as caught:
        check_backward(square, lambda dy, x: dy, np.array([0.0, 0.3]), names=("x",))
    assert "kink" not in str(caught.value)


def test_another_forward_is_not_accused_of_our_mistakes():
    """dy handed on everywhere is a mistake for ReLU; for a leaky one it is another."""

    def leaky(x):
        return np.where(x > 0, x, 0.1 * x), x

    def relu_backward(dy, cache):
        return dy

    with pytest.raises(GradientError) as caught:
        check_backward(leaky, relu_backward, *ARGS["relu_backward"], names=("x",))
    report = " ".join(str(caught.value).split())
    assert " mistake " not in report and "they are those of another forward" in report


def test_large_values_do_not_hide_a_wrong_gradient():
    x = 255 * ARGS["relu_backward"][0]

    def relu_backward(dy, cache):
        return ops.relu_backward(dy, cache) * (1 + 1e-5)

    with pytest.raises(GradientError):
        check_backward(ops.relu, relu_backward, x, names=("x",))
    x, gamma, beta = ARGS["batch_norm_backward"]
    with pytest.raises(ValueError, match=r"y is too large, up to 1e\+09, to measure dx"):
        check_backward(
            ops.batch_norm, ops.batch_norm_backward, x, gamma, beta + 1e9, names=NAMES["batch_norm_backward"]
        )


def test_float32_values_count_too():
    def conv2d_backward(dy, cache):
        dx, dw, db = ops.conv2d_backward(dy, cache)
        return dx * (2 if dx.dtype == np.float32 else 1), dw, db

    report = report_on("conv2d_backward", conv2d_backward)
    assert "dx has other values in float32 than in float64" in report and "dw right" in report

    def float64_conv(x, w, b):
        y, cache = ops.conv2d(x, w, b)
        return y.astype(np.float64), cache

    def back(dy, cache):
        return ops.conv2d_backward(dy.astype(cache[0].dtype), cache)

    with pytest.raises(GradientError, match="y   should be float32 like x, is float64"):
        check_backward(float64_conv, back, *ARGS["conv2d_backward"])


def test_lists_nan_and_chance_are_reported_and_do_not_crash():
    assert "dx should be an array, is list" in report_on("conv2d_backward", spoilt(0, lambda dx: (2 * dx).tolist()))

    def one_nan(dx):
        dx = dx.copy()
        dx[1, 2, 3, 1] = np.nan
        return dx

    assert "worst at dx[1, 2, 3, 1] yours +nan" in report_on("conv2d_backward", spoilt(0, one_nan))

    def dropout(x):
        return x * (np.random.default_rng().random(x.shape) > 0.5), x

    with pytest.raises(ValueError, match="forward gives another y when called again"):
        check_backward(dropout, lambda dy, x: dy, ARGS["relu_backward"][0], names=("x",))


def test_a_factor_of_two_is_not_put_down_to_a_size_of_two():
    assert "here that is" not in report_on("conv2d_backward", spoilt(0, lambda dx: 2 * dx))


@pytest.mark.parametrize("dtype, beside", [(np.float64, np.float32), (np.float32, np.float64)])
def test_the_arrays_of_a_gradient_of_another_dtype_are_those_where_it_is_another(dtype, beside):
    def relu_backward(dy, cache):
        return ops.relu_backward(dy, cache).astype(dtype)

    with pytest.raises(GradientError) as caught:
        check_backward(ops.relu, relu_backward, *ARGS["relu_backward"], names=("x",))
    yours, right = (caught.value.args[0].arrays[name] for name in ("dx, yours", "dx, right"))
    assert (yours.dtype, right.dtype) == (dtype, beside)
    np.testing.assert_allclose(yours, right, rtol=1e-6)


def test_the_arrays_of_what_is_wrong_in_both_are_those_in_float64():
    def relu_backward(dy, cache):
        return (2 * ops.relu_backward(dy, cache)).astype(float)

    with pytest.raises(GradientError) as caught:
        check_backward(ops.relu, relu_backward, *ARGS["relu_backward"], names=("x",))
    assert caught.value.args[0].arrays["dx, right"].dtype == np.float64
