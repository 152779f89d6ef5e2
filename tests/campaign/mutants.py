"""Mutation testing of ops/ and metrics/ by cosmic-ray, each file against its own tests. Survivors are listed.

    pip install cosmic-ray==8.7.0

A mutant is a file with one change, such as + for -. It is killed if a test fails, or takes a minute. What survives is
listed in a FILE.survivors beside the clone, to be killed by a test, or to be shown to be no fault.
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = {
    "ops/activation": ["activation"], "ops/pool": ["pool"], "ops/conv_1x1": ["conv"], "ops/conv": ["conv"],
    "ops/batchnorm": ["batchnorm"], "ops/loss": ["loss"],
    "ops/fast/tiles": ["conv_fast"], "ops/fast/fourier": ["conv_fast"], "ops/fast/conv_fft": ["conv_fast"],
    "ops/fast/winograd": ["conv_fast"], "ops/fast/__init__": ["conv_fast"],
    "ops/more/conv_transpose2d": ["more_ops"], "ops/more/depthwise_conv2d": ["more_ops"],
    "ops/more/dropout": ["more_ops", "uncertainty"], "ops/more/join": ["more_ops"], "ops/more/resize": ["more_ops"],
    "metrics/confusion": ["metrics"], "metrics/table": ["metrics"], "metrics/boundary": ["boundary"],
    "metrics/calibration": ["uncertainty"],
}
COUNT, SECONDS, MEGABYTES = len(TESTS), 4 * 3600, 8000
CONFIG = """
[cosmic-ray]
module-path = "tinysegnet/{name}.py"
timeout = 60.0
excluded-modules = []
test-command = "{python} -m pytest -x -q -n 0 -p no:cacheprovider {tests}"
[cosmic-ray.distributor]
name = "local"
"""


def trials():
    clone = Path("clone").resolve()         # its files are changed, one after the other
    if not clone.exists():
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)

    def trial(number):
        name, tests = list(TESTS.items())[number]
        config, session = (Path(name.replace("/", "-") + suffix).resolve() for suffix in (".toml", ".sqlite"))
        files = " ".join(f"tests/test_{test}.py" for test in tests)
        config.write_text(CONFIG.format(name=name, python=sys.executable, tests=files))
        run = [Path(sys.executable).with_name("cosmic-ray")]
        if not session.exists():
            subprocess.run([*run, "init", config, session], cwd=clone, check=True)
            subprocess.run([*run, "baseline", config], cwd=clone, check=True)
        subprocess.run([*run, "exec", config, session], cwd=clone, check=True)     # those that are not done
        subprocess.run(["git", "checkout", "-q", "."], cwd=clone, check=True)
        dumped = subprocess.run([*run, "dump", session], cwd=clone, check=True, capture_output=True, text=True).stdout
        results = [json.loads(line) for line in dumped.splitlines()]
        outcomes = Counter(result and result["test_outcome"] for _, result in results)
        assert results and not outcomes[None], f"of {len(results)} mutants {outcomes[None]} were not tried"
        survivors = [item for item, result in results if result["test_outcome"] == "survived"]
        session.with_suffix(".survivors").write_text("\n".join(
            json.dumps(survivor["mutations"]) for survivor in survivors) + "\n")
        return f"({name}: {outcomes['killed']} killed, {len(survivors)} not, {outcomes['incompetent']} no program)"

    if shutil.which("cosmic-ray", path=str(Path(sys.executable).parent)) is None:
        raise ModuleNotFoundError("cosmic-ray is missing: pip install cosmic-ray==8.7.0")
    return trial
