"""The long trials of tests/campaign: that each can begin, and what becomes of one that fails or dies."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.campaign import __main__ as command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "megabytes", lambda: 50)       # pytest's own process may have had a gigabyte
    for function in "dump_traceback_later", "cancel_dump_traceback_later":      # they write to a real stderr
        monkeypatch.setattr(command.faulthandler, function, lambda *_, **__: None)
    return tmp_path / "runs/campaign"


class DiesError(BaseException):
    """What no trial can catch, such as a signal."""


def planted(number):
    if number == 1:
        raise ValueError("a fault")
    if number == 2:
        raise DiesError
    return "right" if number % 2 else "refused"


def test_what_fails_and_what_dies_is_counted_and_the_others_go_on(folder, monkeypatch, capsys):
    def ended(arguments, stderr):
        assert arguments[1:4] == ["-m", "tests.campaign", "planted"]
        try:
            command.work("planted", int(arguments[-1]), 5)
        except DiesError:
            stderr.write("it died")
            stderr.flush()
            return -9
        return 0

    module = SimpleNamespace(SECONDS=60, trials=lambda: planted)
    monkeypatch.setattr(command, "campaign", lambda _: module)
    monkeypatch.setattr(command, "ended", ended)
    monkeypatch.setattr(command, "commit", lambda: "abc")
    command.all_of("planted", 5)
    lines = command.tried(folder / "planted")
    assert [*lines] == [0, 1, 2, 3, 4] and "ValueError: a fault" in lines[1]["failed"]
    assert lines[2]["failed"] == "the process ended with -9: it died"
    failed, row = command.report("planted", 5)
    assert failed == 2 and row.startswith("| `python -m tests.campaign planted --count 5` | 2 | 2 refused; 1 right | ")
    said = capsys.readouterr().out
    assert said == "planted 1: ValueError: a fault\nplanted 2: the process ended with -9\n"
    command.all_of("planted", 5)            # there is nothing left to do
    assert capsys.readouterr().out == ""
    module.MUST_COME = "right", "came to the end"
    assert command.report("planted", 5)[0] == 3
    module.EACH_BY_ITS_NAME = True
    assert " | refused; right, none came to the end | " in command.report("planted", 5)[1]
    monkeypatch.setattr(command, "commit", lambda: "another")
    command.all_of("planted", 5)            # all of it
    assert "ValueError: a fault" in capsys.readouterr().out


def test_what_takes_too_much_memory_has_failed_and_the_next_has_another_process(folder, monkeypatch):
    started = []

    def ended(arguments, stderr):
        started.append(int(arguments[-1]))
        with pytest.raises(SystemExit):
            command.work("planted", started[-1], 2)
        return 1

    module = SimpleNamespace(SECONDS=60, trials=lambda: lambda number: "right")
    monkeypatch.setattr(command, "megabytes", lambda: 1001)
    monkeypatch.setattr(command, "campaign", lambda _: module)
    monkeypatch.setattr(command, "ended", ended)
    command.all_of("planted", 2)
    lines = command.tried(folder / "planted").values()
    assert started == [0, 1] and all("it took " in line["failed"] for line in lines)


def test_a_campaign_that_cannot_begin_is_no_success(folder, monkeypatch):
    def trials():
        raise ModuleNotFoundError("a tool is missing")

    def ended(arguments, stderr):
        with pytest.raises(ModuleNotFoundError):
            command.work("planted", 0, 5)
        return 1

    monkeypatch.setattr(command, "campaign", lambda _: SimpleNamespace(SECONDS=60, trials=trials))
    monkeypatch.setattr(command, "ended", ended)
    with pytest.raises(command.InputError, match="no trial could be made, the process ended with 1"):
        command.all_of("planted", 5)


@pytest.mark.parametrize("name", ["checkpoints", "images", "texts"])
def test_some_trials_of_what_is_quick(folder, name):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    trials = [sys.executable, "-m", "tests.campaign", name, "--count", "20"]
    done = subprocess.run(trials, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(command.tried(folder / name)) == 20 and " refused" in done.stdout
