"""Mutation testing of ops/ and metrics/ by cosmic-ray, each file against its own tests. Survivors are listed.

    pip install cosmic-ray==8.7.0

A mutant is a file with one change, such as + for -. It is killed if a test fails, or if the tests take a minute. What
survives is listed in a FILE.survivors beside the clones, to be killed by a test, or to be shown to be no fault.
Arithmetic is not replaced by shifts and bits, of which there are as many again. Each processor has a clone, a worker.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = {       # a file of tinysegnet/: what pytest is told
    "ops/activation": "tests/test_activation.py",
    "ops/pool": "tests/test_pool.py",
    "ops/conv_1x1": "tests/test_conv.py -k 'conv_1x1 or 1x1_is_refused'",
    "ops/conv": "tests/test_conv.py -k 'not fast and not conv_1x1'",
    "ops/batchnorm": "tests/test_batchnorm.py",
    "ops/loss": "tests/test_loss.py",
    "ops/fast/tiles": "tests/test_conv_fast.py tests/test_conv.py -k 'conv_fast or conv_fft or winograd'",
    "ops/fast/fourier": "tests/test_conv_fast.py tests/test_conv.py -k 'conv_fast or conv_fft'",
    "ops/fast/conv_fft": "tests/test_conv_fast.py tests/test_conv.py -k 'conv_fast or conv_fft'",
    "ops/fast/winograd": "tests/test_conv_fast.py tests/test_conv.py -k 'conv_fast or winograd'",
    "ops/fast/conv_gpu": "tests/test_conv.py tests/test_conv_fast.py -k gpu",
    "ops/fast/batchnorm_gpu": "tests/test_backend.py",
    "ops/fast/__init__": "tests/test_conv_fast.py tests/test_more_ops.py tests/test_backend.py",
    "ops/more/conv_transpose2d": "tests/test_more_ops.py",
    "ops/more/depthwise_conv2d": "tests/test_more_ops.py",
    "ops/more/dropout": "tests/test_more_ops.py tests/test_uncertainty.py",
    "ops/more/join": "tests/test_more_ops.py",
    "ops/more/resize":
        "tests/test_more_ops.py tests/test_training.py tests/test_backend.py -k 'more_ops or large_result or resize'",
    "metrics/confusion": "tests/test_metrics.py",
    "metrics/table": "tests/test_metrics.py tests/test_boundary.py",
    "metrics/boundary": "tests/test_boundary.py",
    "metrics/calibration": "tests/test_uncertainty.py",
}
COUNT, SECONDS, MEGABYTES = len(TESTS), 4 * 3600, 8000
EACH_BY_ITS_NAME = True
CONFIG = """
[cosmic-ray]
module-path = "tinysegnet/{name}.py"
timeout = 60.0
excluded-modules = []
test-command = "{python} -m pytest -x -q -n 0 -p no:cacheprovider {tests}"
[cosmic-ray.distributor]
name = "http"
[cosmic-ray.distributor.http]
worker-urls = {urls}
[cosmic-ray.filters.operators-filter]
exclude-operators = ["core/ReplaceBinaryOperator_.*_(LShift|RShift|BitOr|BitAnd|BitXor)"]
"""
COSMIC_RAY = Path(sys.executable).with_name("cosmic-ray")
PORTS = range(9876, 9876 + os.cpu_count())


@contextmanager
def workers():
    """One at each port, with a clone of its own, whose files it changes, one after the other."""
    clones = [Path(f"clone-{port}").resolve() for port in PORTS]
    for clone in clones:
        shutil.rmtree(clone, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    environment = os.environ | {
        "HYPOTHESIS_PROFILE": "mutants", "TINYSEGNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    }
    processes = [
        subprocess.Popen(
            [COSMIC_RAY, "http-worker", "--port", str(port)], cwd=clone, env=environment, stdout=subprocess.DEVNULL
        )
        for port, clone in zip(PORTS, clones)
    ]
    try:
        for port, process in zip(PORTS, processes):
            while not listens(port):
                assert process.poll() is None, f"the worker at port {port} ended with {process.returncode}"
                time.sleep(0.1)
        yield clones[0]
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def listens(port):
    with suppress(ConnectionRefusedError), socket.create_connection(("localhost", port)):
        return True


def trials():
    def trial(number):
        name, tests = list(TESTS.items())[number]
        config, session = (Path(f"{name.replace('/', '-')}-{commit}{end}").resolve() for end in (".toml", ".sqlite"))
        urls = [f"http://localhost:{port}" for port in PORTS]
        config.write_text(CONFIG.format(name=name, python=sys.executable, tests=tests, urls=urls))
        with workers() as clone:
            if not session.exists():
                begun = session.with_suffix(".begun")       # half a session would be taken for one without mutants
                subprocess.run([COSMIC_RAY, "init", "--force", config, begun], cwd=clone, check=True)
                begun.rename(session)
            subprocess.run([COSMIC_RAY.with_name("cr-filter-operators"), session, config], check=True)
            subprocess.run([COSMIC_RAY, "baseline", config], cwd=clone, check=True)
            subprocess.run([COSMIC_RAY, "exec", config, session], cwd=clone, check=True)    # those that are not done
            dump = [COSMIC_RAY, "dump", session]
            dumped = subprocess.run(dump, cwd=clone, check=True, capture_output=True, text=True).stdout
        results = [result or {} for _, result in map(json.loads, dumped.splitlines())]
        results = [result for result in results if result.get("worker_outcome") != "skipped"]
        outcomes = Counter(result.get("test_outcome") for result in results)
        assert results and not outcomes[None], f"of {len(results)} mutants {outcomes[None]} were not tried"
        survivors = [result["diff"] for result in results if result["test_outcome"] == "survived"]
        session.with_suffix(".survivors").write_text("\n".join(survivors))
        late = sum(result.get("output") == "timeout" for result in results)
        killed = f"{outcomes['killed']} killed" + f" ({late} by the clock)" * bool(late)
        return f"{name}: {killed}, {len(survivors)} not, {outcomes['incompetent']} no program"

    if not COSMIC_RAY.exists():
        raise ModuleNotFoundError("cosmic-ray is missing: pip install cosmic-ray==8.7.0")
    command = ["git", "rev-parse", "--short", "HEAD"]       # of which the clones are
    commit = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    return trial
