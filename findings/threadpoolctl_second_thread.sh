#!/usr/bin/env bash
# threadpoolctl 3.8.0 (with NumPy 2.4.6 and its OpenBLAS): once one thread has set a limit through a
# ThreadpoolController, `limit` and `restore_original_limits` do nothing for OpenBLAS in any other thread while the
# first one lives: no exception, no warning, and the object that `limit` returns looks like any other.
# So of two threads that overlap, where the first in (which sets the limit) is the first out, the second cannot put the
# number back, and the process goes on with one BLAS thread. Up to 3.6 any thread could set the limit.
# OpenBLASController.clear_controlling_thread(force=True) before each call makes it work again.
#
# Seen, on Linux with two processors:
#     first thread, limit 1: 1
#     second thread, limit 1: 2
#     second thread, limit 1, after clear_controlling_thread(force=True): 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q numpy==2.4.6 threadpoolctl==3.8.0

OPENBLAS_NUM_THREADS=2 "$folder/venv/bin/python" - <<'PYTHON'
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import OpenBLASController, ThreadpoolController, threadpool_info

np.ones((2, 2)) @ np.ones((2, 2))
controller = ThreadpoolController()


def threads():
    (blas,) = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return blas["num_threads"]


def limited_to_1():
    limit = controller.limit(limits=1, user_api="blas")
    seen = threads()
    limit.restore_original_limits()
    return seen


def cleared_and_limited_to_1():
    OpenBLASController.clear_controlling_thread(force=True)
    return limited_to_1()


if threads() != 2:
    sys.exit("this needs an OpenBLAS that runs on two threads")
with ThreadPoolExecutor(1) as second:
    seen = limited_to_1(), second.submit(limited_to_1).result(), second.submit(cleared_and_limited_to_1).result()
print(f"first thread, limit 1: {seen[0]}")
print(f"second thread, limit 1: {seen[1]}")
print(f"second thread, limit 1, after clear_controlling_thread(force=True): {seen[2]}")
if seen != (1, 2, 1):
    sys.exit("threadpoolctl does otherwise by now: any thread may set a limit again, or clearing no longer helps")
PYTHON
