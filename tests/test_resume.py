"""A run that was stopped, or that crashed, ends as if nothing had happened: to the bit."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_camvid
import version_0_1
from train_in_process import RUN, train_script

from tinysegnet import checkpoint
from tinysegnet.data import streets
from tinysegnet.ops import fast, more
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError
from tinysegnet.training import library, loop, runs, settings

# Three steps an epoch, nine in all, of the recipe in which most can go wrong: Adam, scale, crop, jitter.
OPTIONS = "--data", "tiny", "--recipe", "best", "--size", "12x16", "--epochs", "3", "--batch", "2"

# os.kill with one of them ends the process there, whatever handler it has.
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself signals here")


class PowerCutError(BaseException):
    """After which nothing of the program does anything, as it might after Ctrl-C."""


@pytest.fixture
def train(tmp_path, monkeypatch):
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    return train_script(monkeypatch)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the run `whole` is kept for the next test."""
    return tmp_path_factory.mktemp("kept") / "whole"


@pytest.fixture
def whole(train, kept):
    """The content of the run `whole`, which is trained by the first test that needs it."""
    if kept.exists():
        shutil.copytree(kept, "runs/whole")
    else:
        train(*OPTIONS, "--name", "whole")
        shutil.copytree("runs/whole", kept)
    return content("whole")


def content(name):
    """What a run leaves, without what says how long it took."""
    files = [checkpoint.load(f"runs/{name}/{file}") for file in ("last.npz", "best.npz")]
    for meta, _ in files:
        meta.pop("seconds", None)
        meta.pop("log_bytes", None)
    arrays = {
        (i, group, key): a.tobytes() for i, (_, groups) in enumerate(files)
        for group, named in groups.items() for key, a in named.items()
    }
    lines = [json.loads(line) for line in Path(f"runs/{name}/log.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("seconds", None)
    return [meta for meta, _ in files], arrays, lines, Path(f"runs/{name}/best.npz").read_bytes()


def at_step(monkeypatch, number, do):
    """do() while step `number` is being computed, once."""
    step, calls = loop.train_step, []

    def watched(*args):
        calls.append(1)
        if len(calls) == number:
            do()
        return step(*args)

    monkeypatch.setattr(loop, "train_step", watched)


@needs_signals
@pytest.mark.parametrize("number", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("name, code", [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_finishes_the_step_and_the_run_goes_on_to_the_bit(
    train, whole, monkeypatch, capsys, number, name, code
):
    with monkeypatch.context() as patch:
        at_step(patch, number, lambda: os.kill(os.getpid(), getattr(signal, name)))
        with pytest.raises(SystemExit) as left:
            train(*OPTIONS, "--name", "stopped")
    assert left.value.code == code
    meta, _ = checkpoint.load("runs/stopped/last.npz")
    assert (meta["epoch"] - 1) * 3 + meta["step"] == number
    assert "stopped and saved: go on with  python train.py --name stopped --resume" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    train("--name", "stopped", "--resume")
    assert content("stopped") == whole


def stop_at_step(train, monkeypatch, number, options=OPTIONS):
    """Leave a run "stopped" that has crashed in that step."""
    def crash():
        raise PowerCutError

    with monkeypatch.context() as patch:
        at_step(patch, number, crash)
        with pytest.raises(PowerCutError):
            train(*options, "--name", "stopped")


@pytest.mark.parametrize("number", [1, 4, 8])
def test_a_crash_goes_on_from_what_was_saved(train, whole, monkeypatch, number):
    stop_at_step(train, monkeypatch, number)
    with open("runs/stopped/log.jsonl", "a") as log:
        log.write('{"epoch": 2, "st')                       # the line that was being written
    train("--name", "stopped", "--resume")
    assert content("stopped") == whole


@pytest.mark.parametrize("number", [2, 6])
def test_dropout_draws_the_same_masks_after_a_crash(train, monkeypatch, number):
    """Also where a step is made anew, because the crash was after the last save."""
    options = *OPTIONS[:4], "--size", "32x40", "--epochs", "2", "--batch", "2", "--network", "bayesian-segnet-basic"
    masks = []

    def watched(x, mask):
        masks.append(mask)
        return dropout(x, mask)

    dropout = fast.dropout
    for module in (fast, more):
        monkeypatch.setattr(module, "dropout", watched)
    train(*options, "--name", "whole")
    of_training = [mask.tobytes() for mask in masks if mask.shape[:3] == (2, 3, 4)]
    assert len(set(of_training)) == len(of_training) == 2 * 4       # two dropouts in each step with a whole batch
    stop_at_step(train, monkeypatch, number, options)
    train("--name", "stopped", "--resume")
    assert content("stopped") == content("whole")


def test_a_config_from_before_a_setting_was_new_will_do(train, monkeypatch):
    """Also in the middle, and of a set so small that a new run would be judged with exact statistics."""
    running = *OPTIONS, "--set", "statistics=running"
    train(*running, "--name", "whole")
    stop_at_step(train, monkeypatch, 5, running)
    for name in ("whole", "stopped"):
        path = Path(f"runs/{name}/config.json")
        config = json.loads(path.read_text())
        for setting in settings.NEW:
            del config["settings"][setting]
        path.write_text(json.dumps(config))
    before = content("whole")
    for name in ("whole", "stopped"):
        train("--name", name, "--resume")
        assert content(name) == before


@contextmanager
def crash_before_file(number, monkeypatch):
    """Inside, the power is cut just before the so-many-eth file is written. Gives their names so far."""
    replacing, written = atomic.replacing, []

    def watched(path):
        written.append(path.name)
        if len(written) == number:
            raise PowerCutError
        return replacing(path)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "replacing", watched)
        yield written


@pytest.mark.parametrize("number", range(1, 10))
def test_a_crash_between_any_two_files(train, whole, monkeypatch, number):
    """Just before the so-many-eth file of the run is written."""
    with crash_before_file(number, monkeypatch) as written:
        try:
            train(*OPTIONS, "--name", "crashed")
        except PowerCutError:
            pass
    assert len(written) >= number
    if number == 1:             # without a config.json there is no run
        with pytest.raises(InputError, match=r"config\.json is missing or damaged: delete the folder"):
            train("--name", "crashed", "--resume")
    else:
        train("--name", "crashed", "--resume")
        assert content("crashed") == whole


@needs_signals
def test_the_seconds_of_an_epoch_are_those_of_all_its_parts(train, monkeypatch):
    with monkeypatch.context() as patch:
        at_step(patch, 2, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(SystemExit):
            train(*OPTIONS, "--name", "stopped")
    meta, groups = checkpoint.load("runs/stopped/last.npz")
    checkpoint.save("runs/stopped/last.npz", {**meta, "seconds": 1000.0}, **groups)
    train("--name", "stopped", "--resume")
    lines = [json.loads(line) for line in Path("runs/stopped/log.jsonl").read_text().splitlines()]
    first, second, _ = (line["seconds"] for line in lines if "seconds" in line)
    assert 1000 < first < 1060 and second < 60


def test_data_that_moved_can_be_named_again(train, whole):
    Path("tiny").rename("moved")
    with pytest.raises(InputError, match="there is no data set at tiny"):
        train("--name", "whole", "--resume")
    train("--name", "whole", "--resume", "--data", "moved")
    assert content("whole") == whole
    train("--name", "whole", "--resume")            # it is kept where they are now
    assert content("whole") == whole


def test_a_run_that_ended_before_its_first_step_is_no_hindrance(train, whole, monkeypatch):
    def full():
        raise MemoryError

    with monkeypatch.context() as patch:
        at_step(patch, 1, full)
        with pytest.raises(MemoryError):
            train(*OPTIONS, "--name", "tried", "--lr", "0.3")
    train(*OPTIONS, "--name", "tried")
    assert content("tried") == whole
    with pytest.raises(InputError, match="is already there"):
        train(*OPTIONS, "--name", "tried")


def test_a_photograph_that_disappears_during_the_training(train, monkeypatch):
    at_step(monkeypatch, 2, lambda: Path("tiny/train/004.png").unlink())
    with pytest.raises(InputError, match=r"004\.png"):
        train(*OPTIONS, "--name", "lost")


def test_what_a_killed_process_had_not_finished_is_taken_away(train, whole):
    left = Path("runs/whole/last.npz.77.unfinished")
    left.write_bytes(b"half")
    train("--name", "whole", "--resume")
    assert not left.exists() and content("whole") == whole


def test_two_processes_on_one_run(train, monkeypatch):
    pytest.importorskip("fcntl", reason="no flock here")
    at_step(monkeypatch, 2, lambda: train("--name", "first", "--resume"))
    with pytest.raises(InputError, match=r"another process is at work in runs.first: stop it, or wait"):
        train(*OPTIONS, "--name", "first")


@pytest.mark.parametrize("name", ["EAGAIN", "EACCES"])
def test_that_another_process_is_at_work_is_left_to_it(train, monkeypatch, name):
    """As flock says it here, and elsewhere; and its folder, which came after one had looked, is not taken away."""
    fcntl = pytest.importorskip("fcntl", reason="no flock here")

    def locked(*_):
        raise OSError(getattr(errno, name), "it is locked")

    monkeypatch.setattr(fcntl, "flock", locked)
    with pytest.raises(InputError, match=r"another process is at work in runs.first: stop it, or wait"):
        train(*OPTIONS, "--name", "first")
    assert Path("runs/first/log.jsonl").exists()


@pytest.mark.parametrize("name", ["ENOLCK", "ENOTSUP", "EINVAL", "ENOSYS", "EPERM"])
def test_where_there_are_no_locks_that_is_said_once(train, whole, monkeypatch, capsys, name):
    fcntl = pytest.importorskip("fcntl", reason="no flock here")

    def no_locks(*_):
        raise OSError(getattr(errno, name), "no locks")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    said = "cannot be locked here (no locks): start no second process in it\n"
    train(*OPTIONS, "--name", "first")
    assert capsys.readouterr().err == f"{Path('runs/first')} {said}"
    assert content("first") == whole
    train("--name", "whole", "--resume")
    assert capsys.readouterr().err == f"{Path('runs/whole')} {said}" and content("whole") == whole


def full_at(monkeypatch, number):
    """The so-many-eth file that is forced to the disk finds it full."""
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("number, file", [(1, "config.json"), (3, "log.jsonl"), (4, "last.npz")])
def test_a_folder_of_a_run_that_cannot_begin_is_taken_away_again(train, whole, monkeypatch, number, file):
    with monkeypatch.context() as patch:
        full_at(patch, number)
        with pytest.raises(InputError, match=rf"{file} cannot be written \(No space left on device\): make room"):
            train(*OPTIONS, "--name", "first")
    assert [path.name for path in Path("runs").iterdir()] == ["whole"]
    train(*OPTIONS, "--name", "first")
    assert content("first") == whole


def test_a_log_that_cannot_be_begun_leaves_no_folder(train, monkeypatch):
    works = open

    def full(path, mode="r", **options):
        if Path(path).name == "log.jsonl":
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        return works(path, mode, **options)

    monkeypatch.setattr(runs, "open", full, raising=False)
    with pytest.raises(InputError, match=r"log\.jsonl cannot be written \(Disk quota exceeded\): make room"):
        train(*OPTIONS, "--name", "first")
    assert not list(Path("runs").iterdir())


def test_a_folder_that_was_there_stays_when_a_run_cannot_begin(train, monkeypatch):
    def full():
        raise MemoryError

    with monkeypatch.context() as patch:
        at_step(patch, 1, full)
        with pytest.raises(MemoryError):
            train(*OPTIONS, "--name", "first")
    with monkeypatch.context() as patch:
        full_at(patch, 4)
        with pytest.raises(InputError, match=r"last\.npz cannot be written"):
            train(*OPTIONS, "--name", "first")
    assert {path.name for path in Path("runs/first").iterdir()} == {"config.json", "log.jsonl"}


def test_of_a_run_without_a_step_nothing_goes_into_the_one_that_takes_its_name(train, monkeypatch):
    """Its last.npz would be taken for the beginning of this one, if the disk is full before there is another."""
    others = *OPTIONS, "--seed", "7"
    train(*others, "--name", "whole")
    stop_at_step(train, monkeypatch, 1)
    with monkeypatch.context() as patch:
        full_at(patch, 4)
        with pytest.raises(InputError, match=r"last\.npz cannot be written") as error:
            train(*others, "--name", "stopped")
    train("--name", "stopped", "--resume")
    assert content("stopped") == content("whole")
    del error           # which has kept the frames, and with them the run, until now


def test_a_run_that_could_not_go_as_far_as_its_first_step_keeps_nobody_from_its_folder(train, whole, monkeypatch):
    def full(*args):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(loop, "prepare", full)
        with pytest.raises(MemoryError) as error:
            train(*OPTIONS, "--name", "first")
    train(*OPTIONS, "--name", "first")
    assert content("first") == whole
    del error           # which has kept the frames, and with them the run, until now


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("where, name", [(atomic, "write"), (runs.Run, "save")])
def test_a_run_that_is_stopped_as_it_begins_leaves_nothing(train, whole, monkeypatch, stopped, where, name):
    original = getattr(where, name)

    def stop(*args):
        original(*args)
        raise stopped

    with monkeypatch.context() as patch:
        patch.setattr(where, name, stop)
        with pytest.raises(stopped):
            train(*OPTIONS, "--name", "first")
    assert [path.name for path in Path("runs").iterdir()] == ["whole"]
    train(*OPTIONS, "--name", "first")
    assert content("first") == whole


def test_a_run_of_the_lessons_is_resumed_by_the_name_that_a_run_has_without_one(train, monkeypatch):
    functions = SimpleNamespace(**vars(library) | {"run_name": lambda: "lessons-1", "DEFAULTS": {}})
    monkeypatch.setattr("tinysegnet.commands.train.functions_of", lambda ops: functions)
    train(*OPTIONS, "--name", "first")
    before = content("first")
    train("--resume")
    assert content("first") == before and not Path("runs/lessons-1").exists()


def test_whether_a_name_is_taken_can_be_asked_before_the_data_are_read(whole):
    runs.check_new(Path("runs/other"))
    with pytest.raises(InputError, match=r"runs.whole is already there: continue it with --resume, give this run anot"):
        runs.check_new(Path("runs/whole"))


def test_a_config_that_may_not_be_read_is_not_called_damaged(train, whole, monkeypatch):
    """One would delete the run."""
    read = Path.read_text

    def refused(path, *args, **options):
        if path.name == "config.json":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path, *args, **options)

    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(PermissionError):            # which support/errors.py puts into words
        train("--name", "whole", "--resume")


def test_streets_can_be_resumed_when_camvid_has_come(train, monkeypatch, capsys):
    monkeypatch.setattr(streets, "TRAIN", range(2))
    monkeypatch.setattr(streets, "VAL", range(10, 11))
    train("--epochs", "1", "--size", "12x16")
    Path("tiny").rename("CamVid")
    Path("data").mkdir()
    Path("CamVid").rename("data/CamVid")
    capsys.readouterr()
    train("--resume")
    first, remark, seen = capsys.readouterr().out.splitlines()[:3]
    assert first == "Data: streets." and remark.startswith("No pixel of val is ")
    assert seen == "2 images, seen at 12x16; 1 of val, judged at their own size"


@needs_signals
def test_ctrl_c_also_ends_whoever_reads_the_output(train, whole, monkeypatch):
    """`python train.py | tee log`: both get the signal, and then there is no one to write to."""
    def gone(*_):
        raise BrokenPipeError

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", gone)
        at_step(patch, 2, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(SystemExit) as left:
            train(*OPTIONS, "--name", "stopped")
    assert left.value.code == 130 and checkpoint.load("runs/stopped/last.npz")[0]["step"] == 2
    train("--name", "stopped", "--resume")
    assert content("stopped") == whole


def test_it_is_saved_every_few_minutes_within_an_epoch(train, whole, monkeypatch):
    saved = []
    save = checkpoint.save

    def watched(path, meta, **groups):
        saved.append((path.name, meta["epoch"], meta.get("step")))
        save(path, meta, **groups)

    monkeypatch.setattr(checkpoint, "save", watched)
    monkeypatch.setattr(train.script, "SAVE_EVERY", 0)      # after each step, then
    train(*OPTIONS, "--name", "often")
    assert [("last.npz", 1, step) for step in (0, 1, 2, 3)] == saved[:4]
    assert content("often") == whole


@needs_signals
@pytest.mark.parametrize("when", ["judged", "statistics"])
def test_a_signal_while_the_network_is_judged(train, whole, monkeypatch, when):
    """Half of val must not be taken for all of it."""
    name = {"judged": "evaluate", "statistics": "exact_statistics"}[when]
    original = getattr(loop, name)

    def interrupted(*args):
        os.kill(os.getpid(), signal.SIGINT)
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(loop, name, interrupted)
        with pytest.raises(SystemExit):
            train(*OPTIONS, "--name", "stopped")
    train("--name", "stopped", "--resume")
    assert content("stopped") == whole


@needs_signals
def test_a_second_signal_stops_at_once(train, monkeypatch):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    at_step(monkeypatch, 2, twice)
    with pytest.raises(SystemExit) as left:
        train(*OPTIONS, "--name", "stopped")
    assert left.value.code == 130
    assert checkpoint.load("runs/stopped/last.npz")[0]["step"] == 0         # nothing was saved since the start


def test_a_finished_run_can_be_resumed_and_changes_nothing(train, whole):
    train("--name", "whole", "--resume")
    assert content("whole") == whole


CONSTANT = *OPTIONS, "--set", "schedule=constant", "--set", "statistics=running"


def shorter(options):
    return [{"3": "2"}.get(option, option) for option in options]       # epochs


@pytest.mark.parametrize("number", [None, 2, 4, 6])
def test_a_run_that_is_lengthened_ends_as_one_that_was_so_long_from_the_beginning(train, monkeypatch, capsys, number):
    """To the bit, where the rate is constant: one that was stopped, or finished: its best.npz has exact statistics."""
    train(*CONSTANT, "--name", "whole")
    if number is None:
        train(*shorter(CONSTANT), "--name", "stopped")
        assert checkpoint.load("runs/stopped/best.npz")[0]["statistics"] == "exact"
    else:
        stop_at_step(train, monkeypatch, number, shorter(CONSTANT))
    capsys.readouterr()
    train("--name", "stopped", "--resume", "--epochs", "3")
    assert "\nruns/stopped is to have 3 epochs now, and not 2.\n" in capsys.readouterr().out.replace(os.sep, "/")
    assert content("stopped") == content("whole")
    config, straight = (json.loads(Path(f"runs/{name}/config.json").read_text()) for name in ("stopped", "whole"))
    done = {None: (3, 0), 2: (1, 0), 4: (2, 0), 6: (2, 0)}[number]          # what is made after a save is made again
    assert config["lengthened"] == [{"from": 2, "to": 3, "in_epoch": done[0], "step": done[1]}]
    assert config["settings"] == straight["settings"] and "lengthened" not in straight
    train("--name", "stopped", "--resume")
    assert content("stopped") == content("whole") and "now, and not" not in capsys.readouterr().out


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_crash_while_a_run_is_lengthened(train, monkeypatch, number):
    """Just before the so-many-eth file is written, the first of which is config.json."""
    train(*CONSTANT, "--name", "whole")
    train(*shorter(CONSTANT), "--name", "crashed")
    with crash_before_file(number, monkeypatch) as written, pytest.raises(PowerCutError):
        train("--name", "crashed", "--resume", "--epochs", "3")
    assert written[0] == "config.json"
    train("--name", "crashed", "--resume", *(["--epochs", "3"] if number == 1 else []))
    assert content("crashed") == content("whole")


def test_the_rate_of_a_lengthened_run_is_that_of_the_new_cosine(train, whole, monkeypatch, capsys):
    rates, step = [], loop.train_step
    monkeypatch.setattr(loop, "train_step", lambda *args: rates.append(args[4]) or step(*args))
    train("--name", "whole", "--resume", "--epochs", "4")
    assert rates == pytest.approx([loop.cosine_rate(7e-4, done, 12) for done in (9, 10, 11)])
    said = " ".join(capsys.readouterr().out.split())
    assert "The learning rate goes on along the cosine of all of them: 0.0001, where it was 0. epoch 4 " in said
    assert content("whole")[2][: len(whole[2])] == whole[2] and len(content("whole")[2]) == len(whole[2]) + 4


def test_what_was_best_stays_best_in_a_lengthened_run(train, monkeypatch):
    figures = iter([0.5, 0.75, 0.75, 0.25, 0.75])       # the third and the last are those of best.npz, at the end
    given = loop.Functions(figures=lambda counts: {"mIoU": next(figures), "G": 0.5, "C": 0.5})
    monkeypatch.setattr("tinysegnet.training.library.functions", lambda settings, data: given)
    train(*shorter(OPTIONS), "--name", "first")
    before = Path("runs/first/best.npz").read_bytes()
    train("--name", "first", "--resume", "--epochs", "3")
    assert Path("runs/first/best.npz").read_bytes() == before
    assert checkpoint.load("runs/first/last.npz")[0]["best"] == 0.75


def test_a_run_cannot_be_shortened_and_one_of_0_1_can_be_lengthened(train, whole):
    with pytest.raises(InputError, match=r"^runs.whole has --epochs 3, which can grow and not shrink to 2: leave"):
        train("--name", "whole", "--resume", "--epochs", "2")
    assert content("whole") == whole
    version_0_1.turn_back("runs/whole")
    train("--name", "whole", "--resume", "--epochs", "4")
    assert runs.read_config(Path("runs/whole"))["settings"].epochs == 4
    assert checkpoint.load("runs/whole/last.npz")[0]["epoch"] == 5
    train("--name", "whole", "--resume", "--epochs", "6")
    lengthened = json.loads(Path("runs/whole/config.json").read_text())["lengthened"]
    assert [(one["from"], one["to"]) for one in lengthened] == [(3, 4), (4, 6)]


def spoil_config(run):
    (run / "config.json").write_text("{")


def spoil_last(run):
    (run / "last.npz").write_bytes((run / "last.npz").read_bytes()[:-1])


def forget_the_optimiser(run):
    meta, groups = checkpoint.load(run / "last.npz")
    checkpoint.save(run / "last.npz", meta, params=groups["params"], stats=groups["stats"])


def cut_log(run):
    (run / "log.jsonl").write_text("")


def lose_log(run):
    (run / "log.jsonl").unlink()


def damage_log(run):
    content = (run / "log.jsonl").read_bytes()
    first = content.index(b"\n")
    (run / "log.jsonl").write_bytes(bytes(first) + content[first:])         # a block that never came to the disk


def forget_an_epoch(run):
    (run / "log.jsonl").write_text((run / "log.jsonl").read_text().replace('"epoch"', '"epoxy"', 1))


def take_single_images(run):
    (run / "config.json").write_text((run / "config.json").read_text().replace('"batch": 2', '"batch": 1'))


def change_data(run):
    shutil.copy("tiny/train/001.png", "tiny/train/000.png")


@pytest.mark.parametrize(
    "spoil, message",
    [
        (spoil_config, r"config\.json is missing or damaged: delete the folder"),
        (lambda run: (run / "config.json").unlink(), r"config\.json is missing or damaged"),
        (spoil_last, r"last\.npz is not a checkpoint of tinysegnet, or a damaged one"),
        (lambda run: (run / "last.npz").unlink(), r"there is no checkpoint runs.whole.last\.npz"),
        (lambda run: (run / "best.npz").write_bytes(b""), r"best\.npz is not a checkpoint"),
        (forget_the_optimiser, r"last\.npz holds no optimiser of its recipe to go on with"),
        (cut_log, r"log\.jsonl has lost lines since runs.whole.last\.npz was saved"),
        (lose_log, r"log\.jsonl is missing: put it back, or start another --name"),
        (damage_log, r"log\.jsonl is damaged: put it back, or start another --name"),
        (forget_an_epoch, r"log\.jsonl is damaged: put it back"),
        (take_single_images, r"config\.json has 3 steps and a batch of 1 for 5 images: put back what it began with"),
        (change_data, r"runs.whole began on other data \(CamVid in tiny\)"),
    ],
)
def test_what_cannot_be_resumed_is_said_and_left_as_it_is(train, whole, spoil, message):
    run = Path("runs/whole")
    spoil(run)
    best = (run / "best.npz").read_bytes()
    with pytest.raises(InputError, match=message):
        train("--name", "whole", "--resume")
    with pytest.raises(InputError, match=r"runs.whole is already there"):
        train(*OPTIONS, "--name", "whole")
    assert (run / "best.npz").read_bytes() == best


def test_a_best_network_that_is_damaged_is_said_before_anything_is_trained(train, monkeypatch):
    stop_at_step(train, monkeypatch, 8)
    Path("runs/stopped/best.npz").write_bytes(b"")
    monkeypatch.setattr(loop, "train_step", None)
    with pytest.raises(InputError, match=r"best\.npz is not a checkpoint"):
        train("--name", "stopped", "--resume")


@pytest.mark.parametrize("changed", [{"crop": 0.5, "flip": False}, None])
def test_a_run_keeps_its_settings_when_its_recipe_has_changed_or_gone(train, monkeypatch, changed):
    options = "--data", "tiny", "--recipe", "photographs", "--size", "12x16", "--epochs", "2", "--batch", "2"
    train(*options, "--name", "whole")
    stop_at_step(train, monkeypatch, 4, options)
    others = {name: recipe for name, recipe in settings.RECIPES.items() if name != "photographs"}
    now = {"photographs": settings.RECIPES["photographs"] | changed} if changed else {}
    monkeypatch.setattr(settings, "RECIPES", others | now)
    train("--name", "stopped", "--resume")
    assert content("stopped") == content("whole")


def test_weights_that_overflow_are_not_saved(train, monkeypatch):
    step, steps = loop.train_step, []

    def overflows_in_the_last_step(model, *args):
        loss = step(model, *args)
        steps.append(1)
        if len(steps) == 6:
            model.params["encoder2.conv.w"][0] = np.inf
        return loss

    monkeypatch.setattr(loop, "train_step", overflows_in_the_last_step)
    with pytest.raises(InputError, match=r"encoder2\.conv\.w is no longer finite after step 3 of epoch 2: .* --lr"):
        train(*OPTIONS, "--name", "whole")
    meta, groups = checkpoint.load("runs/whole/last.npz")
    assert meta["epoch"] == 2 and meta["step"] == 0 and np.isfinite(groups["params"]["encoder2.conv.w"]).all()


@pytest.mark.parametrize("number", [1, 4, 8])
def test_averages_and_what_is_drawn_go_on_to_the_bit(train, monkeypatch, number):
    """What is kept at the end is the average, with statistics of its own; last.npz has the weights themselves."""
    drawn = "average=0.9", "relight=0.5", "late_crop=1"
    options = *OPTIONS, "--set=best_by=last", *(f"--set={one}" for one in drawn)
    train(*options, "--name", "whole")
    stop_at_step(train, monkeypatch, number, options)
    train("--name", "stopped", "--resume")
    assert content("stopped") == content("whole")
    best, last = (checkpoint.load(f"runs/whole/{name}.npz") for name in ("best", "last"))
    assert best[0]["statistics"] == "exact" and best[0]["epoch"] == 3
    name = "encoder2.conv.w"
    np.testing.assert_array_equal(best[1]["params"][name], last[1]["opt_state"][f"{name}.average"])
    assert (best[1]["params"][name] != last[1]["params"][name]).any()


@pytest.mark.parametrize("number", [2, 4, 8])
def test_a_run_of_0_1_goes_on_to_the_bit(train, whole, monkeypatch, number):
    """Its config.json has no number and other names, its last.npz a group of another name and no network."""
    stop_at_step(train, monkeypatch, number)
    version_0_1.turn_back("runs/stopped")
    config = json.loads(Path("runs/stopped/config.json").read_text())
    assert "format" not in config and {"balance", "input", "light", "select", "width"} <= config["settings"].keys()
    assert not config["settings"].keys() & {"network", "filters", "jitter"}
    assert b"memory/steps.npy" in Path("runs/stopped/last.npz").read_bytes()
    train("--name", "stopped", "--resume")
    assert content("stopped") == whole              # what the files say of themselves, all arrays, the log


def test_a_finished_run_of_0_1_too(train, whole):
    version_0_1.turn_back("runs/whole")
    train("--name", "whole", "--resume", "--width", "2")
    assert content("whole")[1:3] == whole[1:3]
    with pytest.raises(InputError, match=r"--filters was 2 when runs.whole began: leave it out"):
        train("--name", "whole", "--resume", "--width", "3")


@pytest.mark.parametrize(
    "option, said",
    [
        ("crop=0.5", r"--set crop was 0\.6666666666666666 when runs.whole began: leave it out, or start another"),
        ("crop=none", r"--set crop was 0\.6666"), ("scale=none", r"--set scale was 0\.75,1\.25"),
        ("flip=no", "--set flip was yes"),
        ("optimiser=sgd", r"--set optimiser was adam"), ("size=16x16", r"--size was 12x16"),
        ("filters=3", r"--filters was 2"), ("test_scales=1", r"--set test_scales was 1\.0,0\.75"),
        ("ignore=11", r"--ignore was none"),
    ],
)
def test_other_settings_than_it_began_with_are_refused(train, whole, option, said):
    with pytest.raises(InputError, match=said):
        train("--name", "whole", "--resume", "--set", option)
    assert content("whole") == whole


def test_the_settings_that_it_began_with_may_be_repeated(train, whole):
    same = "crop=0.6666666666666666", "flip=yes", "scale=0.75,1.25", "test_scales=1,0.75", "size=12x16", "ignore=none"
    train("--name", "whole", "--resume", *OPTIONS, *(f"--set={one}" for one in same))
    assert content("whole") == whole


def changed(change, *keys):
    """A function that changes the config.json of a run by change(dict), which has been found under these keys."""

    def spoil(run):
        config = json.loads((run / "config.json").read_text())
        within = config
        for key in keys:
            within = within[key]
        change(within)
        (run / "config.json").write_text(json.dumps(config))

    return spoil


def setting(**values):
    return changed(lambda settings: settings.update(values), "settings")


CANNOT = r"runs.whole.config\.json cannot be used, {}: resume it with the version that began it"
DAMAGED = r"runs.whole.config\.json is missing or damaged: delete the folder runs.whole and start again"


@pytest.mark.parametrize(
    "spoil, message",
    [
        (setting(dropout=0.5), CANNOT.format("it has a setting 'dropout' that this version does not know")),
        (setting(light=0.5), CANNOT.format("it has a setting 'light' that this version does not know")),
        (changed(lambda settings: settings.pop("lr"), "settings"), CANNOT.format("it has no setting 'lr'")),
        (setting(lr="fast"), CANNOT.format("lr: 'fast' is not a number above 0")),
        (setting(lr=-1), CANNOT.format("lr: '-1' is not a number above 0")),
        (setting(lr=None), CANNOT.format("lr: 'none' is not a number above 0")),
        (setting(epochs=2.5), CANNOT.format(r"epochs: '2\.5' is not a whole number from 1 to 999999")),
        (setting(epochs=True), CANNOT.format("epochs: 'yes' is not a whole number from 1 to 999999")),
        (setting(flip=1), CANNOT.format("flip: '1' is neither yes nor no")),
        (setting(scale=[1]), CANNOT.format("scale: '1' is not a lower and a higher number, as in .*")),
        (setting(scale=[[1, 2]]), CANNOT.format(".*")),
        (setting(scale=[1.25, 0.75]), CANNOT.format("scale: '1.25,0.75' is not a lower and a higher number, as in .*")),
        (setting(test_scales=[5]), CANNOT.format("test_scales: '5' is not a number from 0.1 to 4, or none")),
        (setting(size=[12]), CANNOT.format("size: '12' is not a size: .*")),
        (setting(size={"H": 1}), CANNOT.format(".* is not a size: .*")),
        (setting(network="deeplab"), CANNOT.format("network: there is no 'deeplab' to choose: .*")),
        (setting(test_scales=[]), CANNOT.format("test_scales: '' is not a number from 0.1 to 4, or none")),
        (changed(lambda config: config.update(format=3)), r"config\.json is of format 3: resume it with"),
        (changed(lambda config: config.update(format="2")), r"config\.json is of format '2': resume it with"),
        (changed(lambda config: config.update(settings=[])), DAMAGED),
        (changed(lambda config: config.pop("settings")), DAMAGED),
        (changed(lambda config: config.update(data={})), DAMAGED),
        (changed(lambda config: config["data"].pop("name")), DAMAGED),
        (lambda run: (run / "config.json").write_text("[]"), DAMAGED),
    ],
)
def test_a_config_that_makes_no_sense_is_said_in_one_sentence(train, whole, spoil, message):
    spoil(Path("runs/whole"))
    before = content("whole")
    with pytest.raises(InputError, match=message) as caught:
        train("--name", "whole", "--resume")
    assert "\n" not in str(caught.value) and content("whole") == before


@pytest.mark.parametrize(
    "network, message",
    [
        ({"name": "segnet-of-tomorrow"}, r"best\.npz holds a network 'segnet-of-tomorrow', unknown"),
        ({"depth": 3}, r"best\.npz cannot be used \(segnet-basic has no argument 'depth'"),
    ],
)
def test_a_network_that_this_version_has_not_is_said(train, whole, network, message):
    meta, groups = checkpoint.load("runs/whole/best.npz")
    checkpoint.save("runs/whole/best.npz", meta | {"network": meta["network"] | network}, **groups)
    with pytest.raises(InputError, match=message):
        train("--name", "whole", "--resume")


def test_a_checkpoint_of_the_future_is_said(train, whole, monkeypatch):
    meta, groups = checkpoint.load("runs/whole/last.npz")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "FORMAT", "tinysegnet checkpoint 5")
        checkpoint.save("runs/whole/last.npz", meta, **groups)
    with pytest.raises(InputError, match=r"last\.npz is not of the format 'tinysegnet checkpoint 4': use the version"):
        train("--name", "whole", "--resume")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_kill_9_of_the_real_program(tmp_path):
    """A process of its own, killed while it trains the paper's network, resumed, and stopped by Ctrl-C on the way."""
    tiny_camvid.make(tmp_path / "tiny")

    def start(*options):
        return subprocess.Popen(
            [sys.executable, RUN, "--name", "night", *options], cwd=tmp_path, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(Path(RUN).parent)},
        )

    def wait_for_steps(count):
        for _ in range(6000):
            log = tmp_path / "runs/night/log.jsonl"
            if log.exists() and log.read_text().count("\n") >= count:
                return
            time.sleep(0.05)
        raise AssertionError("the training did not come so far in five minutes")

    process = start("--data", "tiny", "--size", "16x16", "--epochs", "200", "--batch", "2")
    wait_for_steps(random.Random(0).randrange(2, 9))
    process.kill()
    process.communicate()
    process = start("--resume")
    wait_for_steps(14)
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert errors.splitlines()[-1] == f"stopped and saved: go on with  python {RUN} --name night --resume"
    lines = [json.loads(line) for line in (tmp_path / "runs/night/log.jsonl").read_text().splitlines()]
    steps = [(line["epoch"], line["step"]) for line in lines if "step" in line]
    assert steps == [(epoch, step) for epoch in range(1, 99) for step in (1, 2, 3)][: len(steps)]
    meta, _ = checkpoint.load(tmp_path / "runs/night/last.npz")
    assert steps[-1] == ((meta["epoch"], meta["step"]) if meta["step"] else (meta["epoch"] - 1, 3))
