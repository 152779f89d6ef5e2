"""Hypothesis profiles, the backends, and where CamVid is."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:     # one of several processes: each has one thread, for BLAS and for the ops
    os.environ |= {name: "1" for name in ("OPENBLAS_NUM_THREADS", "TINYSEGNET_THREADS") if name not in os.environ}

os.environ["CUPY_TF32"] = "0"               # products of 10 bits would be no parity

import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, settings

sys.path.append(str(Path(__file__).parents[1] / "lessons/13_gpu"))
import pretend_gpu

from tinysegnet.checker.gradcheck import Case
from tinysegnet.support import threads
from tinysegnet.support.backend import missing_for_cupy

# Some shells start what runs in the background with Ctrl-C ignored, and all that it starts would ignore it too.
signal.signal(signal.SIGINT, signal.default_int_handler)

usual = settings(max_examples=30, deadline=None, derandomize=True)
settings.register_profile("default", usual)
settings.register_profile("nightly", usual, max_examples=500, derandomize=False, print_blob=True)
# A mutant only has to fail a test: no simplest example is looked for.
settings.register_profile("mutants", usual, phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def why_no_gpu():
    """Why the GPU tests cannot run here, or None if they can."""
    missing = missing_for_cupy()
    return missing and missing[0]


@pytest.hookimpl(tryfirst=True)         # before pytest-xdist looks at its options
def pytest_cmdline_main(config):
    """All tests run in as many processes as there are processors. A file or two are faster in this one, and so are the
    tests of a GPU, which several would share."""
    if "PYTEST_XDIST_WORKER" in os.environ:                 # this is one of those processes, and must not start more
        return
    asked = config.getoption("numprocesses", default=0)     # None if nobody has said, 0 without pytest-xdist
    few = any(".py" in arg for arg in config.args) or config.option.markexpr == "gpu"
    if asked is None and not config.option.usepdb and not few:
        config.option.numprocesses, config.option.dist = threads.workers(), "worksteal"


def pytest_collection_modifyitems(items):
    marked = [item for item in items if item.get_closest_marker("gpu")]
    reason = why_no_gpu() if marked else None
    for item in marked:
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(params=["pretended", pytest.param("cupy", marks=pytest.mark.gpu)])
def xp(request):
    """A device's array library: the stand-in of lesson 13 everywhere, and CuPy where there is a GPU."""
    if request.param == "pretended":
        return pretend_gpu
    import cupy

    return cupy


@pytest.fixture(scope="module")
def bands_of_two_rows():
    """Small images are cut into bands, as otherwise only large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "BAND_BYTES", 1)
        yield


@pytest.fixture(scope="module")
def measured_once():
    """The finite differences of a function are taken once, however many wrong gradients of it the module checks.

    It is known by its y: two that give the same one for the same arguments, to the bit, are taken for one.
    """
    measure, known = Case.measure, {}

    def remembered(case, name, dy):
        about = case.forward(*case.args)[0], dy, *case.args
        key = name, *((a.dtype.str, a.shape, a.tobytes()) if isinstance(a, np.ndarray) else repr(a) for a in about)
        if key not in known:
            known[key] = measure(case, name, dy)
        return tuple(a.copy() for a in known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Case, "measure", remembered)
        yield


@pytest.fixture(scope="session")
def course_book(tmp_path_factory):
    """The folder of the course as a book."""
    pytest.importorskip("pypandoc", reason="Pandoc is not installed: pip install -e '.[book]'")
    from lessons import book

    out = tmp_path_factory.mktemp("my book")
    book.build(out)
    return out


@pytest.fixture(scope="session")
def camvid_folder():
    """The real CamVid, in $CAMVID or data/CamVid."""
    folder = Path(os.environ.get("CAMVID") or Path(__file__).parents[1] / "data" / "CamVid")
    if not (folder / "train").is_dir():
        pytest.skip("CamVid is not here: name its folder in the environment variable CAMVID")
    return folder
