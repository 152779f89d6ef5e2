"""Note how a race went on this machine:  python lessons/15_fast_convolution/figures/record.py

writes race.json, from which draw.py takes the times. Nobody's own functions take part.
"""

import datetime
import json
import os
import sys
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from importlib.metadata import version  # noqa: E402

import arithmetic  # noqa: E402

from lessons.engine import course  # noqa: E402
from tinysegnet.support.backend import keep_freed_memory  # noqa: E402
from tinysegnet.support.threads import workers  # noqa: E402

FOLDER, SIZE = Path(__file__).parent, (180, 240)

if __name__ == "__main__":
    keep_freed_memory()
    times = course.load(FOLDER.parent / "race.py").race(SIZE, {})
    recorded = {
        "date": str(datetime.date.today()),
        "machine": f"{arithmetic.processor()}, {workers()} threads",
        "versions": f"numpy {version('numpy')}, torch {version('torch')}",
        "size": SIZE,
        "seconds": {name: float(f"{duration:.3g}") for name, duration in times.items()},
    }
    (FOLDER / "race.json").write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(recorded, indent=1))
