"""Trainings that mpiexec starts, and what can go wrong with them: pytest -m mpi, with mpi4py and an MPI."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_camvid

from tinysegnet import checkpoint

pytestmark = pytest.mark.mpi
ROOT = Path(__file__).parents[1]
OPTIONS = "--data", "tiny", "--filters", "2", "--size", "24x32", "--batch", "3", "--seed", "4"
FOR_EVER = "--epochs", "5000"


@pytest.fixture
def mpiexec(tmp_path, monkeypatch):
    """mpiexec(ranks, *options) starts train.py --parallel in a folder with a data set of 7 photographs."""
    pytest.importorskip("mpi4py")
    here = Path(sys.executable).with_name("mpiexec")
    program = str(here) if here.exists() else shutil.which("mpiexec")
    if program is None:
        pytest.skip("there is no mpiexec")
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    more = [] if "HYDRA" in said else ["--oversubscribe", *(["--allow-run-as-root"] if os.geteuid() == 0 else [])]
    tiny_camvid.make(tmp_path / "tiny", (("train", 7), ("val", 3)))
    monkeypatch.chdir(tmp_path)
    started = []

    def start(ranks, *options):
        command = [program, *more, "-n", str(ranks), sys.executable, "-m", "mpi4py", ROOT / "train.py"]
        process = subprocess.Popen(
            [*command, *OPTIONS, *options, "--parallel"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ended(process, within=60):
    """Its exit code, and what was said."""
    said, _ = process.communicate(timeout=within)
    return process.returncode, said


def steps(name, count):
    """Wait until a run has made so many steps."""
    log, end = Path("runs") / name / "log.jsonl", time.monotonic() + 60
    while not log.exists() or log.read_text().count("\n") < count:
        assert time.monotonic() < end
        time.sleep(0.05)


def pids_of_ranks():
    """Of the processes that run train.py in this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            if os.path.samefile(path / "cwd", ".") and words[1:3] == [b"-m", b"mpi4py"]:
                found.append(int(path.name))
        except OSError:
            pass
    return sorted(found)


def test_ranks_make_the_network_that_one_makes_and_another_number_goes_on(mpiexec):
    alone = [sys.executable, ROOT / "train.py", *OPTIONS]
    for more in (["--epochs", "1"], ["--epochs", "2", "--resume"]):
        subprocess.run([*alone, *more, "--name", "alone"], check=True, capture_output=True)
    assert ended(mpiexec(2, "--epochs", "1", "--name", "spread"))[0] == 0
    assert ended(mpiexec(3, "--epochs", "2", "--resume", "--name", "spread"))[0] == 0
    for file in ("last.npz", "best.npz"):
        (_, expected), (_, groups) = (checkpoint.load(f"runs/{run}/{file}") for run in ("alone", "spread"))
        for group in expected:
            for name, a in expected[group].items():
                np.testing.assert_allclose(groups[group][name], a, atol=1e-5, err_msg=name)


def test_a_run_on_three_ranks_repeats_to_the_bit_with_reproducible(mpiexec):
    for name in ("first", "second"):
        assert ended(mpiexec(3, "--epochs", "2", "--reproducible", "--name", name))[0] == 0
    (_, first), (_, second) = (checkpoint.load(f"runs/{name}/last.npz") for name in ("first", "second"))
    for name, w in first["params"].items():
        np.testing.assert_array_equal(second["params"][name], w)


def test_a_request_to_stop_is_saved_by_all_and_goes_on(mpiexec):
    """SIGUSR1 is the one that both MPICH and Open MPI pass on."""
    process = mpiexec(2, *FOR_EVER)
    steps("first", 5)
    process.send_signal(signal.SIGUSR1)
    code, said = ended(process)
    assert code == 138 and said.count("stopped and saved: go on with ") == 1 and "Traceback" not in said
    meta, _ = checkpoint.load("runs/first/last.npz")
    made = 3 * (meta["epoch"] - 1) + meta["step"]
    assert made >= 4
    process = mpiexec(3, "--epochs", "5000", "--resume")
    steps("first", 2 * made)
    process.send_signal(signal.SIGUSR1)
    assert ended(process)[0] == 138


def test_the_death_of_a_rank_ends_the_others(mpiexec):
    process = mpiexec(2, *FOR_EVER)
    steps("first", 8)
    os.kill(pids_of_ranks()[-1], signal.SIGKILL)
    code, _ = ended(process, within=10)
    assert code in (9, 137)
    end = time.monotonic() + 10
    while pids_of_ranks():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert checkpoint.load("runs/first/last.npz")[0]["epoch"] >= 2


@pytest.mark.parametrize("options, said", [
    (["--lr", "1e30"], "error: the loss became "),
    (["--batch", "2", "--name", "other"], "error: a batch of 2 images is too few for 3 ranks: give --batch 3, or"),
    (["--data", "nothing"], "error: there is no data set at nothing: "),
])
def test_what_goes_wrong_is_said_once(mpiexec, options, said):
    code, printed = ended(mpiexec(3, "--epochs", "5", *options))
    assert code in (2, 9)       # MPICH's mpiexec may give that of the ranks that it has ended
    assert printed.count("error: ") == 1 and said in printed and "Traceback" not in printed


def test_what_cannot_be_written_ends_all(mpiexec):
    process = mpiexec(2, *FOR_EVER)
    steps("first", 2)
    Path("runs/first").rename("elsewhere")          # as a disk that is gone
    code, said = ended(process)
    assert code in (2, 9) and said.count("error: ") == 1 and "runs/first/" in said
