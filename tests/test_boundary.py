"""Boundary F1: by hand for each clause of its definition, and beside a slow and simple one."""

import math
import re
import subprocess
import sys

import numpy as np
import pytest
import tiny_camvid
from generators import seeds
from hypothesis import given
from hypothesis import strategies as st

from tinysegnet import __main__ as commands
from tinysegnet import checkpoint, inference, metrics, networks
from tinysegnet.commands import evaluate
from tinysegnet.data import camvid, folder
from tinysegnet.metrics import boundary as module
from tinysegnet.metrics.boundary import boundary, boundary_f1, count_pairs, mean_boundary_f1
from tinysegnet.support.errors import InputError

# ---- a slow one, pixel by pixel

def slow_outline(labels, c, ignore):
    """The places of the outline of class c in a list of lists."""
    H, W = len(labels), len(labels[0]) if labels else 0
    places = []
    for r in range(H):
        for q in range(W):
            for down, right in (0, 1), (1, 0), (1, 1):
                if r + down < H and q + right < W:
                    here, there = labels[r][q], labels[r + down][q + right]
                    if ignore not in (here, there) and (here == c) is not (there == c):
                        places.append((r, q))
                        break
    return places


def slow_pairs(a, b, tolerance):
    """A maximum matching of two lists of places, by augmenting paths."""
    partner = {}

    def find(i, seen):
        for j, place in enumerate(b):
            if j not in seen and math.dist(a[i], place) <= tolerance:
                seen.add(j)
                if j not in partner or find(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    return sum(find(i, set()) for i in range(len(a)))


def slow_boundary_f1(labels, predicted, classes, ignore, tolerance):
    labels, predicted = labels.tolist(), predicted.tolist()
    predicted = [[ignore if t == ignore else p for t, p in zip(*rows)] for rows in zip(labels, predicted)]
    found = []
    for c in range(classes):
        true, called = slow_outline(labels, c, ignore), slow_outline(predicted, c, ignore)
        both = len(true) + len(called)
        found.append(2 * slow_pairs(true, called, tolerance) / both if both else math.nan)
    return found


shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
tolerances = st.sampled_from([0, 0.5, 1, math.sqrt(2), 2, math.sqrt(5), 2.5, math.sqrt(13), 4.5, 40])


@given(shapes, st.integers(1, 4), st.integers(-1, 5), tolerances, st.floats(0, 0.5), seeds)
def test_it_is_what_the_slow_one_says(shape, classes, ignore, tolerance, wrong, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, shape)
    predicted = np.where(rng.random(shape) < wrong, rng.integers(0, classes, shape), labels)
    labels[rng.random(shape) < 0.1] = ignore
    actual = boundary_f1(labels, predicted, classes, ignore, tolerance)
    assert actual.dtype == np.float64 and actual.shape == (classes,)
    np.testing.assert_array_equal(actual, slow_boundary_f1(labels, predicted, classes, ignore, tolerance))


@given(shapes, tolerances, st.floats(0, 1), st.floats(0, 1), seeds, st.sampled_from([1, 7, 1 << 20]))
def test_pairs_are_as_many_as_possible_in_blocks_of_any_size(shape, tolerance, share, other, seed, block):
    rng = np.random.default_rng(seed)
    a, b = rng.random(shape) < share, rng.random(shape) < other
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        pairs = count_pairs(a, b, tolerance)
    assert type(pairs) is int and pairs == count_pairs(b, a, tolerance)
    assert pairs == slow_pairs(np.argwhere(a).tolist(), np.argwhere(b).tolist(), tolerance)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3, 0.6])
def test_pairs_are_as_many_as_possible_of_sparse_and_dense_pixels(share):
    """Of shares at which Hypothesis seldom draws."""
    for seed in range(25):
        rng = np.random.default_rng(seed)
        a, b = rng.random((2, 7, 10)) < share
        for tolerance in 1, 2.3:
            slow = slow_pairs(np.argwhere(a).tolist(), np.argwhere(b).tolist(), tolerance)
            assert count_pairs(a, b, tolerance) == slow


# ---- by hand

def drawn(*rows):
    """Labels from rows of digits; a dot is 9, which stands for void here."""
    return np.array([[9 if sign == "." else int(sign) for sign in row] for row in rows])


def places(mask):
    return list(zip(*(indices.tolist() for indices in np.nonzero(mask))))


def test_a_boundary_is_where_the_right_the_lower_or_the_lower_right_neighbour_differs():
    labels = drawn("000",
                   "010",
                   "000")
    assert places(boundary(labels, 1, 9)) == places(boundary(labels, 0, 9)) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert places(boundary(drawn("00", "01"), 1, 9)) == [(0, 0), (0, 1), (1, 0)]    # the first by the lower right
    assert places(boundary(drawn("01", "00"), 1, 9)) == [(0, 0), (0, 1)]    # the right one, and the lower one
    assert places(boundary(drawn("00", "10"), 1, 9)) == [(0, 0), (1, 0)]    # nobody looks to the lower left
    assert places(boundary(drawn("012"), 1, 9)) == [(0, 0), (0, 1)]
    assert places(boundary(drawn("012"), 2, 9)) == [(0, 1)]                 # between 0 and 1 there is nothing of 2
    assert not boundary(drawn("11", "11"), 1, 9).any()                      # the border of the image is none


def test_beside_what_is_ignored_there_is_no_boundary():
    labels = drawn("00.11")
    assert not boundary(labels, 0, 9).any() and not boundary(labels, 9, 9).any()
    assert places(boundary(labels, 0, 5)) == [(0, 1)]           # the same, if 5 is what is ignored
    assert places(boundary(drawn("0.", "11"), 1, 9)) == [(0, 0)]
    assert places(boundary(drawn("01", ".."), 1, 9)) == [(0, 0)]


def test_where_the_truth_is_ignored_so_is_the_prediction():
    labels = drawn("0000.", "0000.")
    for said in "00001", "00000":
        assert np.isnan(boundary_f1(labels, drawn(said, said), 2, 9)).all()
    one_sided = boundary_f1(labels, drawn("00010", "00010"), 2, 9, tolerance=9)
    assert one_sided.tolist() == [0, 0]
    # A class that is ignored is nowhere, whoever says it
    assert np.isnan(boundary_f1(drawn("001"), drawn("010"), 2, 1)).all()


def test_f1_is_twice_the_pairs_by_all_pixels():
    labels, predicted = drawn("0001111"), drawn("0111101")          # one change, and three
    assert boundary_f1(labels, predicted, 2, 9, tolerance=2).tolist() == [2 / 4, 2 / 4]
    assert boundary_f1(labels, predicted, 2, 9, tolerance=1).tolist() == [0, 0]
    assert boundary_f1(labels, labels, 2, 9, tolerance=0).tolist() == [1, 1]


def test_one_side_alone_is_0_and_none_is_nan():
    empty, both = drawn("0000"), drawn("0011")
    np.testing.assert_array_equal(boundary_f1(empty, both, 3, 9), [0, 0, np.nan])
    np.testing.assert_array_equal(boundary_f1(both, empty, 3, 9), [0, 0, np.nan])
    np.testing.assert_array_equal(boundary_f1(empty, empty, 3, 9), [np.nan] * 3)
    assert boundary_f1(empty, empty, 0, 9).shape == (0,)


def test_a_line_that_is_drawn_twice_counts_once():
    """A pole of one pixel has two outlines, three pixels apart; of one edge in the truth either can have the pair."""
    labels, predicted = np.zeros((2, 8, 20), int)
    labels[:, 10:] = 1
    predicted[:, 10:] = 1
    predicted[:, 8] = 1                                             # a stripe just before the edge
    assert boundary(labels, 1, 9).sum() == 8 and boundary(predicted, 1, 9).sum() == 24
    assert boundary_f1(labels, predicted, 2, 9, tolerance=4).tolist() == [16 / 32] * 2


def test_the_largest_matching_is_found_where_the_nearest_pixels_do_not_give_it():
    """In a row at 1, 2 and at 0, 1: whoever pairs 1 with 1, the nearest, leaves 2 and 0 alone, two apart."""
    a, b = np.zeros((2, 1, 3), bool)
    a[0, [1, 2]], b[0, [0, 1]] = True, True
    assert count_pairs(a, b, 1) == 2
    assert count_pairs(a, b, 0.9) == 1


@pytest.mark.parametrize("down, right", [(0, 1), (3, 0), (1, 1), (2, 1), (2, 3), (3, 4)])
def test_the_tolerance_is_near_itself_in_all_directions(down, right):
    away = math.hypot(down, right)
    a = np.zeros((11, 11), bool)
    a[5, 5] = True
    for r, q in (down, right), (-down, right), (right, -down), (-right, -down):
        b = np.roll(a, (r, q), axis=(0, 1))
        assert count_pairs(a, b, away) == 1
        assert count_pairs(a, b, np.nextafter(away, 0)) == 0


def test_who_is_near_nobody_has_no_partner():
    """Not even where another has two to choose from."""
    a, b = np.zeros((2, 1, 9), bool)
    a[0, [0, 8]] = b[0, [1, 2]] = True
    assert count_pairs(a, b, 2) == count_pairs(b, a, 2) == 1


def test_nothing_is_paired_round_the_border():
    a, b = np.zeros((2, 3, 4), bool)
    a[1, 3] = b[2, 0] = True
    assert count_pairs(a, b, 2) == 0 and count_pairs(a, b, 4) == count_pairs(a, b, np.inf) == 1


def test_the_tolerance_is_by_default_4_and_a_half_pixels_at_360x480(monkeypatch):
    labels, predicted = np.zeros((2, 360, 480), np.uint8)
    labels[:, 240:] = 1
    for by, bf in (4, 1), (5, 0):
        predicted[:] = 0
        predicted[:, 240 + by :] = 1
        assert boundary_f1(labels, predicted, 2, 255).tolist() == [bf, bf]
    given = []
    monkeypatch.setattr(module, "count_pairs", lambda a, b, tolerance: given.append(tolerance) or 0)
    boundary_f1(labels, predicted, 2, 255)
    boundary_f1(labels, predicted, 2, 255, tolerance=0)
    assert given == [4.5, 4.5, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (0, 3), (3, 0)])
def test_small_images(shape):
    labels = np.zeros(shape, np.uint8)
    assert np.isnan(boundary_f1(labels, labels, 2, 255)).all()
    if labels.size > 1:
        labels.ravel()[3:] = 1
        assert boundary_f1(labels, labels, 2, 255).tolist() == [1, 1]
        assert boundary_f1(labels, 0 * labels, 2, 255).tolist() == [0, 0]


DTYPES = "int64", "int32", "uint8", "int8", "uint16", "uint64"


@pytest.mark.parametrize("of_predicted", DTYPES)
@pytest.mark.parametrize("of_labels", DTYPES)
def test_the_dtype_changes_nothing(of_labels, of_predicted):
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 3, (2, 12, 15))
    for ignore in (2, 5, 100):
        labels[rng.random(labels.shape) < 0.1] = ignore
        expected = slow_boundary_f1(labels, predicted, 3, ignore, 1.5)
        actual = boundary_f1(labels.astype(of_labels), predicted.astype(of_predicted), 3, ignore, 1.5)
        np.testing.assert_array_equal(actual, expected)
        labels[labels == ignore] = 0


@pytest.mark.parametrize("dtype", ["uint8", "int64", "int16"])
@pytest.mark.parametrize("other", ["int64", "int8", "bool"])
def test_an_ignore_that_the_prediction_cannot_hold(dtype, other):
    """255 in a PNG, with the argmax or a mask of two classes beside it; and -1."""
    labels = np.array([[0, 0, 255, 255, 1, 1, 0]], dtype)
    predicted = np.array([[0, 0, 1, 0, 1, 1, 1]], other)
    assert boundary_f1(labels, predicted, 2, 255, tolerance=0).tolist() == [0, 0]
    assert boundary_f1(predicted, predicted, 2, 255, tolerance=0).tolist() == [1, 1]
    assert boundary_f1(predicted, predicted, 2, -1, tolerance=0).tolist() == [1, 1]
    if dtype != "uint8":
        labels[labels == 255] = -1
        assert boundary_f1(labels, predicted, 2, -1, tolerance=0).tolist() == [0, 0]


def test_a_map_of_two_classes_as_bool():
    labels = np.zeros((6, 9), bool)
    labels[:, 4:] = True
    predicted = np.roll(labels, 1, axis=1)
    predicted[:, 0] = False
    for one in labels, labels.astype(np.uint8):
        for other in predicted, predicted.astype(int):
            assert boundary_f1(one, other, 2, 255, tolerance=1).tolist() == [1, 1]
            assert boundary_f1(one, other, 2, 255, tolerance=0.5).tolist() == [0, 0]


def test_nothing_that_is_given_is_changed():
    labels, predicted = drawn("0.11", "0011"), drawn("0111", "0011")
    before = labels.copy(), predicted.copy()
    boundary_f1(labels, predicted, 2, 9)
    assert (labels == before[0]).all() and (predicted == before[1]).all()
    for array in labels, predicted:
        array.flags.writeable = False
    assert boundary_f1(labels[:, ::-1], predicted[:, ::-1], 2, 9).shape == (2,)


@pytest.mark.parametrize("one, other", [((2, 3), (3, 2)), ((2, 3), (2,)), ((2, 3), (1, 3)), ((6,), (6,)),
                                        ((1, 2, 3), (1, 2, 3))])
def test_other_shapes_are_refused(one, other):
    with pytest.raises(ValueError, match=r"boundary_f1: labels .* and predicted .* should be alike, \(H, W\)"):
        boundary_f1(np.zeros(one, int), np.zeros(other, int), 2, 9)


@pytest.mark.parametrize("tolerance", [-1, -0.001, math.nan, -math.inf])
def test_a_tolerance_that_is_none_is_refused(tolerance):
    with pytest.raises(ValueError, match="the tolerance should be at least 0 pixels"):
        boundary_f1(np.zeros((2, 2), int), np.zeros((2, 2), int), 2, 9, tolerance)


@pytest.mark.parametrize("classes, ignore", [(2, None), (2, "255"), (2.0, 255), (None, 255), ([1, 2], 255)])
def test_classes_and_ignore_are_whole_numbers(classes, ignore):
    got = re.escape(f"got {classes!r} and {ignore!r}")
    with pytest.raises(ValueError, match=f"^boundary_f1: classes and ignore should be whole numbers, {got}$"):
        boundary_f1(np.zeros((2, 2), int), np.zeros((2, 2), int), classes, ignore)


# ---- over a data set

def test_the_mean_is_over_classes_and_then_over_images():
    nan = np.nan
    bf, of_class = mean_boundary_f1([[0.2, 0.4, nan], [1.0, nan, nan], [nan, nan, nan]])
    assert bf == pytest.approx((0.3 + 1.0) / 2)                     # and not the mean of 0.2, 0.4 and 1.0
    np.testing.assert_allclose(of_class, [0.6, 0.4, nan])
    bf, of_class = mean_boundary_f1(np.full((2, 3), nan))
    assert np.isnan(bf) and np.isnan(of_class).all() and of_class.shape == (3,)


def test_the_table_has_another_column():
    counts = np.array([[3, 1], [0, 4]])
    assert metrics.table(counts, ["Sky", "Road"], bf=(0.5, np.array([0.25, np.nan]))).splitlines() == [
        "%            accuracy    IoU     BF",
        "Sky              75.0   75.0   25.0",
        "Road            100.0   80.0      -",
        "G 87.5  C 87.5  mIoU 77.5  BF 50.0",
    ]


# ---- the command, and SciPy

@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """command(*options) runs evaluate on a tiny data set, with a network as it is drawn, and gives what it prints."""
    monkeypatch.chdir(tmp_path)
    tiny_camvid.make(tmp_path / "tiny")
    arguments = {"classes": 11, "filters": 4, "levels": 1, "kernel": 3}
    params, stats = networks.init(networks.build("segnet-basic", **arguments), 0)
    meta = {
        "network": {"name": "segnet-basic", **arguments}, "classes": camvid.CLASSES, "palette": camvid.PALETTE.tolist(),
        "size": [12, 16], "normalisation": "centred", "test_scales": None, "statistics": "exact",
    }
    checkpoint.save("drawn.npz", meta, params=params, stats=stats)

    def run(*options):
        arguments = ["tinysegnet", "evaluate", "--data", "tiny", "--weights", "drawn.npz", *options]
        monkeypatch.setattr("sys.argv", arguments)
        commands.main()
        return capsys.readouterr().out.splitlines()

    return run


def test_evaluate_judges_outlines_if_it_is_asked(command):
    plain, lines = command(), command("--bf")
    model, data = inference.load("drawn.npz"), folder.dataset("tiny")
    of_images = []
    for sample in data.samples("val"):
        photograph, labels = data.read(sample)
        predicted = inference.classify(model, photograph, labels.shape, seen_at=(12, 16))
        of_images.append(slow_boundary_f1(labels, predicted, 11, 11, 0.0075 * math.hypot(24, 32)))
    means = [np.nanmean(image) for image in of_images]
    assert 0 < np.mean(means) < 1 and np.isnan(np.array(of_images)).any()
    assert lines[-1] == f"{plain[-1]}  BF {100 * np.mean(means):.1f}"
    assert lines[:-13] == plain[:-13] and lines[-13] == plain[-13] + "     BF" == "%            accuracy    IoU     BF"
    for k in range(11):
        shares = np.array([image[k] for image in of_images])
        shares = shares[~np.isnan(shares)]
        bf = f"{100 * shares.mean():.1f}" if shares.size else "-"
        assert lines[k - 12] == f"{plain[k - 12]}{bf:>7}"
    assert max(map(len, lines)) <= 79


@pytest.fixture
def no_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    for name in [name for name in sys.modules if name.startswith("scipy.")]:
        monkeypatch.delitem(sys.modules, name)


SENTENCE = "boundary F1 needs SciPy: pip install -e '.[boundary]'"


def test_without_scipy_a_sentence_says_what_to_install(no_scipy):
    with pytest.raises(InputError) as error:
        boundary_f1(drawn("01"), drawn("01"), 2, 9)
    assert str(error.value) == SENTENCE


def test_without_scipy_evaluate_ends_before_it_looks_at_an_image(command, no_scipy, monkeypatch, capsys):
    assert command()[-1].startswith("G ")                       # without --bf nothing is missing
    monkeypatch.setattr(evaluate, "evaluation_pairs", None)     # whoever asks for an image fails otherwise
    monkeypatch.setattr("sys.argv", ["tinysegnet", "evaluate", "--data", "tiny", "--weights", "drawn.npz", "--bf"])
    with pytest.raises(SystemExit) as ended:
        commands.entry()
    assert ended.value.code == 2 and capsys.readouterr() == ("", f"error: {SENTENCE}\n")


def test_nobody_else_needs_scipy():
    code = "import sys; import tinysegnet.metrics, tinysegnet.__main__; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
