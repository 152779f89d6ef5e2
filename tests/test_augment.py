import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysegnet.data.augment import MIDDLE, augment, colour_jitter

VOID = 11


def picture(height, width):
    """Labels that are different everywhere, and a photograph that says the same in red."""
    labels = np.arange(height * width, dtype=np.uint8).reshape(height, width) % 10
    return np.repeat((labels * 20)[..., None], 3, axis=2), labels


@given(st.integers(4, 9), st.integers(4, 9), st.integers(4, 9), st.integers(4, 9), st.integers(0, 99), st.booleans())
def test_size_and_types(height, width, to_height, to_width, seed, flip):
    photograph, labels = augment(
        *picture(height, width), (to_height, to_width), VOID, np.random.default_rng(seed), flip, (0.5, 2.0)
    )
    assert photograph.shape == (to_height, to_width, 3) and labels.shape == (to_height, to_width)
    assert photograph.dtype == labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {*range(10), VOID}


def test_with_nothing_asked_for_nothing_changes():
    photograph, labels = picture(6, 8)
    same = augment(photograph, labels, (6, 8), VOID, np.random.default_rng(0), False, None)
    np.testing.assert_array_equal(same[0], photograph)
    np.testing.assert_array_equal(same[1], labels)


def test_half_of_the_pictures_are_mirrored_labels_and_all():
    photograph, labels = picture(6, 8)
    rng = np.random.default_rng(0)
    mirrored = 0
    for _ in range(200):
        seen, truth = augment(photograph, labels, (6, 8), VOID, rng, True, None)
        np.testing.assert_array_equal(seen[..., 0], truth * 20)
        mirrored += (truth == labels[:, ::-1]).all()
        assert (truth == labels).all() or (truth == labels[:, ::-1]).all()
    assert 70 < mirrored < 130


@pytest.mark.parametrize("factor", [2.0, 1.5])
def test_of_a_larger_picture_a_part_is_cut_out_that_differs(factor):
    labels = np.zeros((8, 8), np.uint8)
    labels[:4] += 1
    labels[:, :4] += 2                              # the quarters are 3, 1 above 2, 0
    photograph = np.repeat((labels * 60)[..., None], 3, axis=2)
    rng = np.random.default_rng(0)
    corners, parts = set(), set()
    for _ in range(2000):
        seen, truth = augment(photograph, labels, (8, 8), VOID, rng, False, (factor, factor))
        assert VOID not in truth and truth.shape == (8, 8)
        assert np.median(np.abs(seen[..., 0].astype(int) - 60 * truth)) == 0
        corners.add(int(truth[0, 0]))
        parts.add(truth.tobytes())
    span = round(8 * factor) - 8 + 1                # so many places to cut, up and down as well as left and right
    assert len(parts) == span * span and 3 in corners
    assert (corners == {3, 1, 2, 0}) == (factor == 2.0)


def test_a_smaller_picture_lies_on_void_and_grey_at_every_place():
    photograph, labels = np.full((8, 8, 3), 200, np.uint8), np.full((8, 8), 5, np.uint8)
    rng = np.random.default_rng(0)
    places = set()
    for _ in range(300):
        seen, truth = augment(photograph, labels, (8, 8), VOID, rng, False, (0.5, 0.5))
        rows, columns = np.nonzero(truth == 5)
        assert len(rows) == 16 and np.ptp(rows) == np.ptp(columns) == 3
        assert (truth[truth != 5] == VOID).all()
        assert (seen[truth == 5] == 200).all() and (seen[truth == VOID] == MIDDLE).all()
        places.add((int(rows[0]), int(columns[0])))
    assert places == {(i, j) for i in range(5) for j in range(5)}


def test_all_factors_between_the_two_occur():
    photograph, labels = np.zeros((20, 20, 3), np.uint8), np.full((20, 20), 5, np.uint8)
    rng = np.random.default_rng(0)
    seen = [augment(photograph, labels, (20, 20), VOID, rng, False, (0.5, 1.0))[1] for _ in range(300)]
    sides = [int((truth == 5).sum() ** 0.5) for truth in seen]
    assert set(sides) == set(range(10, 21))


def test_the_generator_alone_decides():
    one, two, three = (
        augment(*picture(12, 9), (7, 8), VOID, np.random.default_rng(seed), True, (0.6, 1.7))[1] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != three).any()


def test_a_part_of_another_size_is_cut_out():
    photograph, labels = picture(12, 20)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(200):
        part, truth = augment(photograph, labels, (12, 20), VOID, rng, False, None, crop=0.4)
        assert part.shape == (5, 8, 3) and truth.shape == (5, 8)
        np.testing.assert_array_equal(part[..., 0], truth * 20)
        seen.add(truth.tobytes())
    assert len(seen) == 10                          # rows are alike here, and columns come again after ten


def test_a_part_of_what_has_become_smaller_lies_on_grey():
    photograph, labels = picture(12, 20)
    part, truth = augment(photograph, labels, (12, 20), VOID, np.random.default_rng(0), False, (0.5, 0.5), crop=0.7)
    assert part.shape == (8, 14, 3)
    assert ((truth == VOID).sum(axis=1) == 14).sum() == 2           # 6 rows of 10 columns, seen through 8 x 14
    assert ((truth == VOID).sum(axis=1) == 4).sum() == 6
    assert (part[truth == VOID] == MIDDLE).all()


def test_jitter_changes_the_photograph_alone_and_by_as_much_as_said():
    photograph = np.random.default_rng(1).integers(60, 120, (30, 30, 3)).astype(np.uint8)
    labels = np.zeros((30, 30), np.uint8)
    rng, means, spreads, tints = np.random.default_rng(0), [], [], []
    for _ in range(500):
        seen, truth = augment(photograph, labels, (30, 30), VOID, rng, False, None, jitter=0.3)
        assert seen.dtype == np.uint8 and truth is labels
        brightness = seen.mean() / photograph.mean()
        means.append(brightness)
        spreads.append(seen[..., 1].std() / photograph[..., 1].std() / brightness)
        tints.append(seen[..., 0].mean() / seen[..., 2].mean())
    for values in (means, spreads):                                 # 0.7 to 1.3, and the tint besides
        assert 0.7 * 0.89 < min(values) < 0.78 and 1.22 < max(values) < 1.3 * 1.13
    assert 0.8 < min(tints) < 0.9 and 1.1 < max(tints) < 1.25


def test_a_photograph_is_relit_if_that_is_asked_for():
    photograph, labels = np.full((8, 8, 3), 90, np.uint8), np.arange(64, dtype=np.uint8).reshape(8, 8)
    relit, same = augment(photograph, labels, (8, 8), 11, np.random.default_rng(0), False, None, relighting=0.5)
    assert (relit != photograph).any() and (same == labels).all()


def test_jitter_stays_between_black_and_white():
    extreme = np.array([[[0, 255, 0], [255, 0, 255]]], np.uint8)
    for seed in range(20):
        seen = colour_jitter(extreme, 0.9, np.random.default_rng(seed)).astype(int)
        assert (np.argsort(seen, axis=1, kind="stable")[0, 0] == np.argsort(extreme, axis=1, kind="stable")[0, 0]).all()
