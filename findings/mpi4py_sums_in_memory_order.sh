#!/usr/bin/env bash
# mpi4py 4.1.2 with MPICH 5.0.2 and numpy 2.4.6: Allreduce takes a transposed array, or one in Fortran's order, as it lies
# in memory. If one rank's array is contiguous by rows and another's by columns, of the same shape and dtype, values of
# different places are added, without a word; a view with gaps is refused ("noncontiguous buffer"), so one would expect
# that this is, too. It happens with gradients, as one layer's `x.T @ dy` is laid out otherwise than its neighbour's.
# np.ascontiguousarray before sending helps.
#
# Output seen:
#     rank 0 by rows, rank 1 by columns, both [[0, 1, 2], [3, 4, 5]]: the sum is [[0, 4, 3], [7, 6, 10]]
#     a view with gaps: BufferError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/program.py" <<'PYTHON'
import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
rows = np.arange(6.0).reshape(2, 3)
total = np.empty((2, 3))
comm.Allreduce(rows if comm.rank == 0 else np.asfortranarray(rows), total)
gaps = "summed"
try:
    comm.Allreduce(np.arange(12.0).reshape(2, 6)[:, ::2], np.empty((2, 3)))
except (BufferError, ValueError) as error:
    gaps = type(error).__name__
if comm.rank == 0:
    print(f"rank 0 by rows, rank 1 by columns, both [[0, 1, 2], [3, 4, 5]]: the sum is {total.astype(int).tolist()}")
    print(f"a view with gaps: {gaps}")
    if (total == 2 * rows).all() or gaps == "summed":
        raise SystemExit("mpi4py now sums them otherwise")
PYTHON
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 mpi4py==4.1.2 mpich==5.0.2
"$folder/venv/bin/mpiexec" -n 2 "$folder/venv/bin/python" -m mpi4py "$folder/program.py"
