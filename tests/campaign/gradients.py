"""Every test for which Hypothesis draws, with 500 cases and not 30: every op. And the gradients of every network."""

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
FILES = [
    path for path in sorted(TESTS.glob("test_*.py"))
    if re.search(r"^@given", path.read_text(encoding="utf-8"), re.MULTILINE) or "network" in path.stem
]
COUNT, SECONDS, MEGABYTES = len(FILES), 4 * 3600, 8000
EACH_BY_ITS_NAME = True


def trials():
    def trial(number):
        command = sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", FILES[number]
        environment = os.environ | {"HYPOTHESIS_PROFILE": "nightly"}
        done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:]
        return f"{FILES[number].stem}: {re.search(r'[0-9]+ passed', done.stdout)[0]}"

    return trial
