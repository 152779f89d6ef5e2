import numpy as np
import pytest

from tinysegnet import metrics
from tinysegnet.data import streets
from tinysegnet.data.camvid import CLASSES, VOID
from tinysegnet.data.survey import survey


@pytest.fixture(scope="module")
def some():
    pictures, labels = zip(*(streets.scene(seed) for seed in range(24)))
    return np.stack(pictures), np.stack(labels)


def test_the_same_seed_is_the_same_street_and_another_is_another():
    picture, labels = streets.scene(5, 48, 64)
    again, labels_again = streets.scene(5, 48, 64)
    np.testing.assert_array_equal(picture, again)
    np.testing.assert_array_equal(labels, labels_again)
    assert picture.shape == (48, 64, 3) and labels.shape == (48, 64) and picture.dtype == labels.dtype == np.uint8
    assert (streets.scene(6, 48, 64)[0] != picture).mean() > 0.5


def test_every_class_and_void_occur(some):
    share = np.bincount(some[1].ravel(), minlength=VOID + 1) / some[1].size
    assert share.min() > 0.002, dict(zip((*CLASSES, "void"), share.round(4)))
    assert share[VOID] < 0.08 and share.max() < 0.5 and len(share) == VOID + 1


def test_colour_alone_is_no_clue(some):
    """Each pixel gets the class of the nearest mean colour: a network has to see more than that."""
    pictures, labels = some
    train, val = slice(0, 16), slice(16, None)
    means = np.stack([pictures[train][labels[train] == k].mean(axis=0) for k in range(VOID)])           # (11, 3)
    distances = ((pictures[val][..., None, :] - means) ** 2).sum(axis=-1)
    counts = metrics.confusion_matrix(labels[val], distances.argmin(axis=-1), VOID, VOID)
    assert 0.05 < metrics.mean_iou(counts) < 0.35


def test_train_and_val_share_no_street():
    data = streets.dataset()
    assert not set(data.samples("train")) & set(data.samples("val"))
    assert len(data.samples("train")) == 240 and len(data.samples("val")) == 40


def test_a_street_is_drawn_once_and_then_kept():
    data = streets.dataset()
    assert data.read(3)[0] is data.read(3)[0]


def test_survey_reads_streets_too(monkeypatch):
    monkeypatch.setattr(streets, "TRAIN", range(4))
    seen = survey(streets.dataset(), "train")
    assert seen.sizes == {streets.SIZE: 4} and not seen.notes.problems
    assert seen.pixels.sum() + seen.void == 4 * streets.SIZE[0] * streets.SIZE[1]
