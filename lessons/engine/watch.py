"""A learner's function, run under supervision: not for ever, and with an eye on who does the work.

What goes wrong inside becomes a TroubleError, whose text shows the learner's own line and the arrays around it.
"""

import ctypes
import functools
import linecache
import os
import sys
import textwrap
import threading
import time
import traceback
from pathlib import Path

import numpy as np

from lessons.engine.numpy_words import meaning
from lessons.engine.unwritten import marked

SECONDS = 10
PATIENCE = 20            # seconds of waiting, for a file, a lock or a busy machine; see lessons.grade.SECONDS
OTHERS = "torch", "jax", "jaxlib", "autograd", "tensorflow", "scipy", "skimage", "cv2"   # they would do the thinking


class TroubleError(Exception):
    """The learner's function did not come to an end. The text says where, and what was there."""


class TooLong(BaseException):
    """Thrown into a function that runs for too long. Not an Exception: that it might catch."""


def watched(function, file, forbidden, seconds=SECONDS):
    """function, but TroubleError instead of any other exception; its `borrowed` says from whom it had its results.

    file       the learner's
    forbidden  a folder: calls into it, made while the function runs, are borrowing, as are calls into OTHERS
    """

    @functools.wraps(function)
    def run(*args, **kwargs):
        spy = Spy(forbidden)
        before = sys.getprofile()
        alarm = Alarm(seconds)
        try:
            with alarm:
                sys.setprofile(spy)
                try:
                    with marked():
                        return function(*args, **kwargs)
                finally:
                    sys.setprofile(before)
        except TooLong:
            raise TroubleError(f"  {alarm.why}\n{line_of(alarm.frames, file)}") from TimeoutError(alarm.why)
        except KeyboardInterrupt:
            raise
        except BaseException as error:          # SystemExit, and whatever pytest.skip() raises, are no Exceptions
            raise TroubleError(in_words(error, file)) from error
        finally:
            run.borrowed |= spy.borrowed

    run.borrowed = set()
    return run


class Spy:
    """A profile function for sys.setprofile that notes the calls of what the learner should have written."""

    def __init__(self, forbidden):
        self.forbidden, self.borrowed = f"{forbidden}{os.sep}", set()

    def __call__(self, frame, event, arg):
        if event == "call" and frame.f_code.co_filename.startswith(self.forbidden):
            self.borrowed.add("tinysegnet")
        elif event == "call":
            self.note(frame.f_globals.get("__name__", ""))
        elif event == "c_call":
            owner = getattr(arg, "__self__", None)
            self.note(getattr(arg, "__module__", None) or type(owner).__module__ or "")

    def note(self, module):
        library = module.partition(".")[0]
        if library in OTHERS:
            self.borrowed.add(library)


class Alarm:
    """Throws TooLong into the thread that entered it, and keeps why, and the lines it was then at.

    It rings when the process has computed for so many seconds, or when PATIENCE is at its end: on a busy machine a
    short function may take long, and has not computed for long.
    """

    def __init__(self, seconds):
        self.seconds, self.why, self.frames = seconds, "", []

    def __enter__(self):
        self.thread = threading.get_ident()
        self.lock, self.over = threading.Lock(), False
        self.computed, self.begun = time.process_time(), time.monotonic()
        self.wait(self.seconds)

    def wait(self, seconds):
        self.timer = threading.Timer(seconds, self.ring)
        self.timer.daemon = True
        self.timer.start()

    def ring(self):
        with self.lock:
            missing = self.seconds - (time.process_time() - self.computed)
            patience = PATIENCE - (time.monotonic() - self.begun)
            if not self.over and missing > 0 and patience > 0:
                self.wait(max(min(missing, patience), 0.05))
            elif not self.over:
                self.why = f"still running after {self.seconds} seconds: is there a loop without an end?"
                if missing > 0:
                    self.why = f"has waited for {PATIENCE} seconds: what for?"
                self.frames = traceback.extract_stack(sys._current_frames()[self.thread])
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), ctypes.py_object(TooLong))

    def __exit__(self, *_):
        with self.lock:
            self.over = True
            self.timer.cancel()


def line_of(frames, file):
    """The innermost of these lines that the learner wrote."""
    learners = [frame for frame in frames if Path(frame.filename).parent == Path(file).parent]
    if not learners:
        return ""
    return f"  {Path(learners[-1].filename).name}, line {learners[-1].lineno}:  {learners[-1].line.strip()}"


def in_words(error, file):
    """The exception, what it means, the learner's line that it came from, and the arrays that were there."""
    said = str(error).strip()
    trace, frame, arrays = error.__traceback__, None, {}
    while trace:
        if Path(trace.tb_frame.f_code.co_filename).parent == Path(file).parent:     # it may be of another lesson
            frame, number = trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next
    if frame:
        arrays = {name: value for name, value in frame.f_locals.items() if isinstance(value, np.ndarray)}
    meant = meaning(error, arrays)
    text = [f"  {type(error).__name__}{': ' if said else ''}{said}", *([f"  it means:  {meant}"] if meant else [])]
    if frame:
        where = frame.f_code.co_filename
        linecache.checkcache(where)             # the file may have been another, earlier in this process
        text.append(f"  {Path(where).name}, line {number}:  {linecache.getline(where, number).strip()}")
    if arrays:
        text.append("  there:  " + ", ".join(f"{name} {kind(value)}" for name, value in arrays.items()))
    return "\n".join(textwrap.fill(line, 79, subsequent_indent="    ") for line in text)


def kind(array):
    return f"{array.dtype} {array.shape}"
