"""pytest by Python 3.11, 3.12 and 3.13, each with the newest and with the oldest packages that install there.

Python is looked for as python3.12, and where pyenv puts it. A package of tests/oldest.txt that has no wheel for a
Python is left to pip, which takes the newest.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = "3.11", "3.12", "3.13"
COUNT, SECONDS, MEGABYTES = 2 * len(VERSIONS), 4 * 3600, 8000
EACH_BY_ITS_NAME = True


def trials():
    def trial(number):
        version, oldest = VERSIONS[number // 2], number % 2
        environment = Path(f"python-{version}-{'oldest' if oldest else 'newest'}").resolve()
        pip = [environment / "bin/pip", "install", "-q", "--disable-pip-version-check"]
        run(python(version), "-m", "venv", "--clear", environment)
        if oldest:
            constraints = environment / "constraints.txt"
            constraints.write_text("\n".join(available(pip)))
            pip += ["--only-binary", ":all:", "-c", constraints]
        run(*pip, "numpy", "pillow", "matplotlib")
        run(*pip, "-e", f"{ROOT}[test]")
        pytest = [environment / "bin/pytest", "-q", "-p", "no:cacheprovider", "-n", str(os.cpu_count())]
        said = run(*pytest, "--dist", "worksteal", cwd=ROOT).splitlines()[-1]
        passed = re.search(r"\d+ passed", said)[0]
        return f"{version}, {'oldest' if oldest else 'newest'}: {passed}"

    return trial


def python(version):
    """The executable of that Python."""
    found = shutil.which(f"python{version}")
    places = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    assert places or found, f"there is no Python {version}: install it"
    return places[-1] if places else found


def available(pip):
    """Of the lowest versions those that have a wheel here."""
    for line in (ROOT / "tests/oldest.txt").read_text(encoding="utf-8").splitlines():
        if pin := line.partition("#")[0].strip():
            command = [*pip, "--dry-run", "--no-deps", "--only-binary", ":all:", pin]
            if subprocess.run(command, capture_output=True).returncode == 0:
                yield pin


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout.strip()
