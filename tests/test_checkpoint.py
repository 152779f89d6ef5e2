import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import version_0_1

from tinysegnet import checkpoint, inference, networks
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError

META = {
    "network": {"name": "segnet-basic", "classes": 2, "filters": 2, "levels": 1, "kernel": 3},
    "classes": ["a", "b"], "palette": [[0, 0, 0], [255, 255, 255]], "size": [24, 32], "normalisation": "centred",
    "test_scales": [1, 0.75], "statistics": "exact", "epoch": 3,
}


def arrays():
    """params and stats of the network in META."""
    return networks.init(networks.build("segnet-basic", classes=2, filters=2, levels=1, kernel=3), seed=0)


@pytest.fixture
def saved(tmp_path):
    params, stats = arrays()
    checkpoint.save(tmp_path / "best.npz", META, params=params, stats=stats)
    return tmp_path / "best.npz", params, stats


def test_comes_back_as_it_was(saved):
    path, params, stats = saved
    meta, groups = checkpoint.load(path)
    assert meta == META and groups.keys() == {"params", "stats"}
    for actual, expected in ((groups["params"], params), (groups["stats"], stats)):
        assert actual.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(actual[name], expected[name])
            assert actual[name].dtype == expected[name].dtype and actual[name].flags.writeable
    with zipfile.ZipFile(path) as file:
        assert json.loads(file.read("about.json"))["format"] == checkpoint.FORMAT == "tinysegnet checkpoint 4"


def test_an_array_in_any_order_of_memory_comes_back(saved):
    path, params, stats = saved
    turned = {name: np.asfortranarray(a) for name, a in params.items()} | {"strided": np.arange(6.0)[::2]}
    checkpoint.save(path, META, params=turned, stats=stats)
    read = checkpoint.load(path)[1]["params"]
    assert read.keys() == turned.keys()
    for name in turned:
        np.testing.assert_array_equal(read[name], turned[name])


def test_numpy_opens_it_too(saved):
    path, params, _ = saved
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["params/classifier.w"], params["classifier.w"])


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file(saved, monkeypatch, failing):
    path, params, stats = saved
    before = path.read_bytes()

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, fails)
    with pytest.raises(InputError, match=r"best\.npz cannot be written \(No space left on device\): make room"):
        checkpoint.save(path, {**META, "epoch": 4}, params=params, stats=stats)
    assert path.read_bytes() == before and [file.name for file in path.parent.iterdir()] == ["best.npz"]


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders are not opened here")
@pytest.mark.parametrize("name", ["EINVAL", "ENOTSUP", "EBADF", "EACCES", "ENOSYS"])
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_file_system_that_does_not_sync_folders_is_no_reason_to_stop(saved, monkeypatch, name, call):
    """The file itself has been synced by then."""
    path, params, stats = saved
    works, refused = getattr(os, call), []

    def refuses_folders(what, *flags):
        if os.path.isdir(what if call == "open" else f"/proc/self/fd/{what}"):
            refused.append(what)
            raise OSError(getattr(errno, name), "not here")
        return works(what, *flags)

    monkeypatch.setattr(os, call, refuses_folders)
    checkpoint.save(path, {**META, "epoch": 4}, params=params, stats=stats)
    assert refused and checkpoint.load(path)[0]["epoch"] == 4


def test_an_interruption_while_writing_leaves_the_old_file_and_nothing_beside_it(saved, monkeypatch):
    path, params, stats = saved
    before = path.read_bytes()
    writes = []

    class Interrupted(zipfile.ZipFile):
        def open(self, *args, **options):
            writes.append(args)
            if len(writes) == 3:
                raise KeyboardInterrupt
            return super().open(*args, **options)

    monkeypatch.setattr(zipfile, "ZipFile", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(path, {**META, "epoch": 4}, params=params, stats=stats)
    assert path.read_bytes() == before and [file.name for file in path.parent.iterdir()] == ["best.npz"]


def test_saving_copies_no_array_and_loading_holds_none_twice(tmp_path):
    """At most one of ten arrays at a time is there twice."""
    params = {f"w{i}": np.full((100, 1000), i, np.float32) for i in range(10)}
    size = sum(a.nbytes for a in params.values())
    tracemalloc.start()
    try:
        checkpoint.save(tmp_path / "large.npz", META, params=params)
        assert tracemalloc.get_traced_memory()[1] < 0.1 * size
        tracemalloc.reset_peak()
        _, groups = checkpoint.load(tmp_path / "large.npz")
        assert tracemalloc.get_traced_memory()[1] < 1.3 * size
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(groups["params"]["w7"], params["w7"])


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders are not opened here")
def test_what_is_forced_to_the_disk_and_in_which_order(tmp_path, monkeypatch):
    done, fsync, replace = [], os.fsync, os.replace

    def watched_fsync(descriptor):
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        fsync(descriptor)

    def watched_replace(*paths):
        done.append("replace")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    atomic.write(tmp_path / "a", b"content")
    assert done == ["file", "replace", "folder"] and (tmp_path / "a").read_bytes() == b"content"


def archive(path, compression=zipfile.ZIP_STORED, change=(), repeat=()):
    """The checkpoint at `path` with some members changed, and a true checksum: what only the schema can refuse."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist() if name != "sha256"}
    members |= dict(change)
    members["sha256"] = checkpoint.checksum({name: [content] for name, content in members.items()}).encode()
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in [*members.items(), *repeat]:
            file.writestr(name, content)


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def boasting(content):
    """The bytes of a .npy whose header claims 10^12 numbers."""
    return content.replace(b"(2,), }" + 12 * b" ", b"(1000000000000,), }")


def about(**changes):
    return {"about.json": json.dumps({"format": checkpoint.FORMAT, **META, **changes}).encode()}


bare = {"about.json": json.dumps({"format": checkpoint.FORMAT}).encode()}
B = "params/encoder1.conv.b.npy"
PLAIN = npy(np.zeros(2, np.float32))


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
        (lambda path: np.save(path.open("wb"), np.zeros(3)), "not a checkpoint"),
        (lambda path: archive(path, change=about(format="another")), "not of the format 'tinysegnet checkpoint 4'"),
        (lambda path: archive(path, change={"about.json": b"[1, 2]"}), "not a checkpoint"),
        (lambda path: archive(path, change=bare), "not a checkpoint"),
        (lambda path: archive(path, zipfile.ZIP_DEFLATED), "not a checkpoint"),
        (lambda path: archive(path, zipfile.ZIP_DEFLATED, {B: npy(np.zeros(1 << 26, np.float32))}), "not a checkpoint"),
        (lambda path: archive(path, change={B: boasting(PLAIN)}), "not a checkpoint"),
        (lambda path: archive(path, change={B: npy(np.zeros(2, int))}), "not a checkpoint"),
        (lambda path: archive(path, change={B: npy(np.zeros((2, 3), np.float32, order="F"))}), "not a checkpoint"),
        (lambda path: archive(path, change={B: npy(np.zeros(2, np.float32), version=(2, 0))}), "not a checkpoint"),
        (lambda path: archive(path, change=about(classes=["a"])), "not a checkpoint"),
        (lambda path: archive(path, change=about(classes="ab")), "not a checkpoint"),
        (lambda path: archive(path, change=about(classes=[1, 2])), "not a checkpoint"),
        (lambda path: archive(path, change=about(palette=[[0, 0, 0], [1, 2, 256]])), "not a checkpoint"),
        (lambda path: archive(path, change=about(size=[0, 5])), "not a checkpoint"),
        (lambda path: archive(path, change=about(size=[24, 10_000])), "not a checkpoint"),
        (lambda path: archive(path, change=about(size="24")), "not a checkpoint"),
        (lambda path: archive(path, change=about(normalisation=None)), "not a checkpoint"),
        (lambda path: archive(path, change=about(network=None)), "not a checkpoint"),
        (lambda path: archive(path, change=about(network={"filters": 2})), "not a checkpoint"),
        (lambda path: archive(path, change=about(network={"name": 1})), "not a checkpoint"),
        (lambda path: archive(path, change=about(network="segnet-basic")), "not a checkpoint"),
        (lambda path: archive(path, change=about(test_scales=[1, 0])), "not a checkpoint"),
        (lambda path: archive(path, change=about(test_scales=["1"])), "not a checkpoint"),
        (lambda path: archive(path, change=about(test_scales=[100])), "not a checkpoint"),
        (lambda path: archive(path, change=about(test_scales=1)), "not a checkpoint"),
        (lambda path: archive(path, change={B: npy(np.array([object()]), allow_pickle=True)}), "not a checkpoint"),
        (lambda path: archive(path, repeat=[(B, PLAIN)]), "not a checkpoint"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_anything_else_is_refused_in_one_sentence(saved, spoil, message):
    path = saved[0]
    spoil(path)
    with pytest.raises(InputError, match=message) as caught:
        checkpoint.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_checkpoint_of_0_1_is_a_segnet_basic_with_today_s_names(saved):
    path, params, stats = saved
    velocity = {name: np.ones_like(a) for name, a in params.items()}
    about = {
        "format": "tinysegnet checkpoint 3", "classes": ["a", "b"], "palette": [[0, 0, 0], [255, 255, 255]],
        "size": [24, 32], "input": "x / 255 - 0.5", "test_scales": [1, 0.75], "statistics": "exact", "epoch": 3,
    }
    version_0_1.save(path, META, params=params, stats=stats, opt_state=velocity)
    with zipfile.ZipFile(path) as file:             # the helper writes what that version wrote
        assert json.loads(file.read("about.json")) == about
        assert file.namelist()[0] == "about.json" and "memory/classifier.w.npy" in file.namelist()
    meta, groups = checkpoint.load(path)
    assert meta == META and groups.keys() == {"params", "stats", "opt_state"}
    for group, expected in zip(("params", "stats", "opt_state"), (params, stats, velocity)):
        assert groups[group].keys() == expected.keys()
        assert all(np.array_equal(groups[group][name], a) for name, a in expected.items())
    model = inference.load(path)
    assert model.network.shapes == {name: a.shape for name, a in params.items()}
    photograph = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    before = inference.scores(model, photograph)
    checkpoint.save(path, META, params=params, stats=stats)
    np.testing.assert_array_equal(inference.scores(inference.load(path), photograph), before)


@pytest.mark.parametrize("kind, old", version_0_1.OLD_NORMALISATIONS.items())
def test_the_normalisations_of_0_1_have_names_now(saved, kind, old):
    path, params, stats = saved
    version_0_1.save(path, META | {"normalisation": kind}, params=params, stats=stats)
    with zipfile.ZipFile(path) as file:
        assert json.loads(file.read("about.json"))["input"] == old
    assert checkpoint.load(path)[0]["normalisation"] == inference.load(path).meta["normalisation"] == kind


def test_a_checkpoint_of_0_1_that_is_no_segnet_basic(saved):
    path, params, stats = saved
    version_0_1.save(path, META, params={"classifier.w": params["classifier.w"]}, stats=stats)
    with pytest.raises(InputError, match="not a checkpoint of tinysegnet, or a damaged one"):
        checkpoint.load(path)


@pytest.mark.parametrize(
    "network, message",
    [
        ({"name": "segnet-of-tomorrow"}, r"holds a network 'segnet-of-tomorrow', unknown to this version: use the"),
        ({"depth": 3}, r"cannot be used \(segnet-basic has no argument 'depth': it takes classes, filters, levels"),
        ({"kernel": 4}, r"cannot be used \(segnet-basic: kernel should be odd"),
        ({"levels": 0}, r"cannot be used \(segnet-basic: levels should be a whole number from 1 to 9999, got 0"),
        ({"filters": "2"}, r"cannot be used \(segnet-basic: filters should be a whole number"),
        ({"filters": [2]}, r"cannot be used \(segnet-basic: filters should be a whole number"),
        ({"classes": 3}, r"is a network of 3 classes and names 2: give another file"),
        ({"classes": None}, r"is a network of None classes and names 2: give another file"),
        ({"filters": 3}, r"does not hold the network that it names, see encoder1\.conv\.w"),
        ({"levels": 2}, r"does not hold the network that it names, see encoder2\.conv\.w"),
    ],
)
def test_a_network_that_this_version_has_not(saved, network, message):
    path, params, stats = saved
    checkpoint.save(path, META | {"network": META["network"] | network}, params=params, stats=stats)
    with pytest.raises(InputError, match=message) as caught:
        inference.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("format", ["tinysegnet checkpoint 5", "tinysegnet checkpoint 2", 4, None])
def test_a_format_of_another_time(saved, format):
    archive(saved[0], change=about(format=format))
    with pytest.raises(InputError, match="is not of the format 'tinysegnet checkpoint 4': use the version that wrote"):
        checkpoint.load(saved[0])


def test_a_full_memory_says_nothing_against_the_file(saved, monkeypatch):
    def full(_):
        raise MemoryError

    monkeypatch.setattr(checkpoint, "read_stored", full)
    with pytest.raises(MemoryError):
        checkpoint.load(saved[0])


def test_members_that_overlap_are_refused(saved):
    """The directory of an archive may point to one place many times: then it is larger inside than outside."""
    path = saved[0]
    archive(path, change={B: npy(np.zeros(4000, np.float32))})
    with zipfile.ZipFile(path) as file:
        entries = {entry.filename: entry for entry in file.infolist()}
    content, name, long = bytearray(path.read_bytes()), b"params/encoder1.conv.b.npy", entries[B]
    at = content.rindex(name)
    record = bytearray(content[at - 46 : at + len(name)])
    end = content.rindex(b"PK\x05\x06")
    copies = b"".join(bytes(record[:46]) + b"stats/%020d.npy" % i for i in range(9))
    copies = bytearray(copies.replace(len(name).to_bytes(2, "little"), (30).to_bytes(2, "little"), 9))
    content[end:end] = copies
    end += len(copies)
    count = int.from_bytes(content[end + 8 : end + 10], "little") + 9
    size = int.from_bytes(content[end + 12 : end + 16], "little") + len(copies)
    content[end + 8 : end + 12] = count.to_bytes(2, "little") * 2
    content[end + 12 : end + 16] = size.to_bytes(4, "little")
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as file:
        assert sum(entry.file_size for entry in file.infolist()) > len(content) and long.file_size > 16_000
    with pytest.raises(ValueError, match="larger than the file"):
        checkpoint.read_stored(io.BytesIO(content))


def test_the_helper_of_the_test_above_spoils_nothing_by_itself(saved):
    archive(saved[0])
    checkpoint.load(saved[0])
    archive(saved[0], change={B: npy(np.full(2, 5, np.float32))})
    assert checkpoint.load(saved[0])[1]["params"]["encoder1.conv.b"].tolist() == [5, 5]
    assert boasting(PLAIN) != PLAIN and len(boasting(PLAIN)) == len(PLAIN)


def refused(path, content, expected):
    """Whether a file with this content is refused. If it is not, it must give to the bit what was saved."""
    path.write_bytes(content)
    try:
        meta, groups = checkpoint.load(path)
    except InputError:
        return True
    assert meta == expected[0] and groups.keys() == expected[1].keys()
    for group, arrays in expected[1].items():
        assert groups[group].keys() == arrays.keys()
        assert all(np.array_equal(groups[group][name], a) for name, a in arrays.items())
    return False


def test_each_byte_spoilt_in_turn(saved):
    """Zip knows bytes that mean nothing, such as the date."""
    path = saved[0]
    whole, expected = path.read_bytes(), checkpoint.load(path)
    spoilt = [whole[:i] + bytes([whole[i] ^ 0x55]) + whole[i + 1 :] for i in range(0, len(whole), 3)]
    assert sum(refused(path, content, expected) for content in spoilt) > 0.8 * len(spoilt)


def mutated(content, rng):
    """`content` with a few bytes changed, a piece cut out, repeated, moved or zeroed, or its end missing."""
    content = bytearray(content)
    first, second = sorted(rng.integers(0, len(content) + 1, 2))
    short = slice(first, min(second, first + int(rng.integers(1, 64))))
    match rng.integers(6):
        case 0:
            for i in rng.integers(0, len(content), rng.integers(1, 5)):
                content[i] ^= 1 << int(rng.integers(8))
        case 1:
            content[short] = rng.bytes(len(content[short]))
        case 2:
            del content[short]
        case 3:
            content[first:first] = content[short]
        case 4:
            content[short] = bytes(len(content[short]))
        case 5:
            del content[second:]
    return bytes(content)


def test_mutated_files(saved):
    path = saved[0]
    whole, expected = path.read_bytes(), checkpoint.load(path)
    rng = np.random.default_rng(0)
    assert sum(refused(path, mutated(whole, rng), expected) for _ in range(400)) > 280


WRITER = """
import itertools, sys
import numpy as np
from tinysegnet import checkpoint
from tinysegnet.support import atomic
meta = {"network": {"name": "a"}, "classes": ["a"], "palette": [[1, 2, 3]], "size": [1, 1], "normalisation": "",
        "test_scales": None, "statistics": ""}
for i in itertools.count():
    arrays = {"a": np.full(20_000, i, np.float32)}
    checkpoint.save(sys.argv[1], {**meta, "i": i}, params=arrays, stats=arrays)
    print(i, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_kill_9_at_any_moment_leaves_a_whole_file(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "last.npz"
    for _ in range(10):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.02))
        writer.kill()
        said = [0, *map(int, writer.stdout.read().split())][-1]
        writer.wait()
        meta, groups = checkpoint.load(path)
        assert meta["i"] >= said                        # nothing that was said to be saved is lost
        assert (groups["params"]["a"] == meta["i"]).all() and (groups["stats"]["a"] == meta["i"]).all()
        others = {file.name for file in Path(tmp_path).iterdir()} - {"last.npz"}
        assert all(re.fullmatch(r"last\.npz\.\d+\.unfinished", name) for name in others)


@pytest.mark.parametrize("change", [{"test_scales": [5]}, {"size": [0, 4]}, {"classes": ["a"]}, {"epoch": "3"}])
def test_what_could_not_be_read_is_not_written(saved, change):
    path, params, stats = saved
    before = path.read_bytes()
    with pytest.raises(ValueError):
        checkpoint.save(path, META | change, params=params, stats=stats)
    assert path.read_bytes() == before


def test_a_folded_model_is_folded_anew_when_its_statistics_change(saved):
    """dataclasses.replace must not keep what was folded of other statistics."""
    model = inference.load(saved[0])
    photograph = np.random.default_rng(0).integers(0, 256, (32, 40, 3), np.uint8)
    moved = replace(model, stats={name: a + 1 for name, a in model.stats.items()})
    assert model.folded and moved.folded is None
    unfolded = replace(model, meta=dict(model.meta))
    np.testing.assert_array_equal(inference.scores(unfolded, photograph), inference.scores(model, photograph))
    assert (inference.scores(moved, photograph) != inference.scores(model, photograph)).any()


def test_of_two_processes_that_write_one_file_the_last_has_it(tmp_path, monkeypatch):
    path, process = tmp_path / "two.bin", os.getpid()
    with atomic.replacing(path) as first:
        first.write(b"all of the first")
        monkeypatch.setattr(os, "getpid", lambda: process + 1)
        with atomic.replacing(path) as second:
            second.write(b"half")
            assert not path.exists()
        assert path.read_bytes() == b"half"
        monkeypatch.undo()
    assert path.read_bytes() == b"all of the first" and [*tmp_path.iterdir()] == [path]
