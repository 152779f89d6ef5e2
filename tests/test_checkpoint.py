import numpy as np
import pytest

from tinysegnet import checkpoint
from tinysegnet.errors import InputError
from tinysegnet.networks import segnet_basic

ABOUT = {"classes": ["a", "b"], "size": [24, 32], "input": "x / 255 - 0.5", "statistics": "exact", "epoch": 3}


@pytest.fixture
def saved(tmp_path):
    params, stats = segnet_basic.init(0, width=2, levels=2)
    checkpoint.save(tmp_path / "best.npz", params, stats, ABOUT)
    return tmp_path / "best.npz", params, stats


def test_comes_back_as_it_was(saved):
    path, params, stats = saved
    params_again, stats_again, about = checkpoint.load(path)
    assert about["size"] == [24, 32] and about["epoch"] == 3
    for ours, theirs in ((params_again, params), (stats_again, stats)):
        assert ours.keys() == theirs.keys()
        for name in theirs:
            np.testing.assert_array_equal(ours[name], theirs[name])
            assert ours[name].dtype == theirs[name].dtype


def test_a_save_that_fails_leaves_the_old_file(saved, monkeypatch):
    path, params, stats = saved
    before = path.read_bytes()

    def fails(file, **arrays):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fails)
    with pytest.raises(InputError, match=r"best\.npz cannot be written \(No space left on device\): make room"):
        checkpoint.save(path, params, stats, ABOUT)
    assert path.read_bytes() == before and [file.name for file in path.parent.iterdir()] == ["best.npz"]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda path: path.unlink(), "there is no checkpoint"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "not a checkpoint of tinysegnet, or a damaged one"),
        (lambda path: path.write_bytes(path.read_bytes()[:300] + b"!" + path.read_bytes()[301:]), "damaged"),
        (lambda path: path.write_text("hello"), "not a checkpoint"),
        (lambda path: path.write_bytes(b""), "not a checkpoint"),
        (lambda path: np.savez(path, a=np.zeros(2)), "not a checkpoint"),
        (lambda path: np.savez(path, about=np.array([object()], dtype=object)), "not a checkpoint"),
        (lambda path: np.savez(path, about='{"format": "another"}'), "not of the format 'tinysegnet checkpoint 1'"),
        (lambda path: np.savez(path, about="[1, 2]"), "not a checkpoint"),
        (lambda path: np.savez(path, about='{"format": "tinysegnet checkpoint 1"}'), "not a checkpoint"),
        (lambda path: np.save(path.open("wb"), np.zeros(3)), "not a checkpoint"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(saved, spoil, message):
    path = saved[0]
    spoil(path)
    with pytest.raises(InputError, match=message) as caught:
        checkpoint.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_no_damaged_byte_ends_in_a_traceback(saved):
    """Each of the first and last 400 bytes spoilt in turn: an InputError, or arrays that came through unharmed."""
    path = saved[0]
    whole = path.read_bytes()
    refused = 0
    for i in (*range(400), *range(len(whole) - 400, len(whole))):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0x55]) + whole[i + 1 :])
        try:
            checkpoint.load(path)
        except InputError:
            refused += 1
    assert refused > 400
