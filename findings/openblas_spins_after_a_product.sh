#!/usr/bin/env bash
# NumPy 2.4.6 with its own OpenBLAS 0.3.31, Linux x86-64, two processors or more.
#
# A matrix product on two threads is over, and Python sleeps. One would guess that nothing computes then. But the second
# thread of OpenBLAS keeps a processor fully busy for some time after each product, waiting for the next one by looking
# again and again. On one thread there is nothing of the kind. A program that has threads of its own beside NumPy's
# shares its processors with a thread that does nothing: here a convolution of many small products took 1.7 times as
# long when one product on OpenBLAS's threads came before it.
#
# Output seen (two cores of an AMD EPYC):
#     2 threads: 20 products, each followed by a sleep of 20 ms: 415 ms asleep, 420 ms of processor time in them
#     1 thread:  20 products, each followed by a sleep of 20 ms: 407 ms asleep, 1 ms of processor time in them
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
cat > "$folder/spin.py" <<'PYTHON'
import os
import time

import numpy

a = numpy.ones((400, 400))
asleep = busy = 0
for _ in range(20):
    a @ a
    began, used = time.perf_counter(), time.process_time()
    time.sleep(0.02)
    asleep += time.perf_counter() - began
    busy += time.process_time() - used
threads = os.environ["OPENBLAS_NUM_THREADS"]
name = f"{threads} thread{'s:' if threads == '2' else ': '}"
print(f"{name} 20 products, each followed by a sleep of 20 ms: {1000 * asleep:.0f} ms asleep, "
      f"{1000 * busy:.0f} ms of processor time in them")
raise SystemExit(0 if (busy > 0.1 * asleep) == (threads == "2") else f"with {threads} it was not so: has OpenBLAS changed?")
PYTHON
for threads in 2 1; do
    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS=$threads "$folder/venv/bin/python" "$folder/spin.py"
done
