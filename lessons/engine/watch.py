"""A learner's function, run under supervision: not for ever, and with an eye on who does the work.

What goes wrong inside becomes a TroubleError, whose text shows the learner's own line and the arrays around it.
"""

import bdb
import ctypes
import functools
import inspect
import linecache
import os
import re
import signal
import sys
import textwrap
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path

import numpy as np

from lessons.engine.numpy_words import meaning
from lessons.engine.unwritten import marked

SECONDS = 10
PATIENCE = 20            # seconds of waiting, for a file, a lock or a busy machine; see lessons.grade.SECONDS
AGAIN = 0.02             # seconds until one that did not end is told so again: it takes some dozens of times
SIGNAL = getattr(signal, "SIGUSR1", None)       # Windows has none
LOOK = 1                 # seconds between two looks whether a debugger is at work
OTHERS = "torch", "jax", "jaxlib", "autograd", "tensorflow", "scipy", "skimage", "cv2"   # they would do the thinking
DEBUGGED = threading.Event()            # set once somebody has used a debugger in this process
QUIT = "bdb.BdbQuit", "_pytest.outcomes.Exit"       # what a debugger throws when it is left for good


class TroubleError(Exception):
    """The learner's function did not come to an end. The text says where, and what was there."""


class NoAlarmError(Exception):
    """A function cannot be watched here, and was not called."""


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
        before, of_threads, process = sys.getprofile(), threading.getprofile(), os.getpid()
        alarm = Alarm(seconds)
        try:
            with alarm, marked(), np.errstate():        # np.seterr counts for the learner's function alone
                threading.setprofile(spy)
                sys.setprofile(spy)                     # last: what the judge itself calls is no borrowing
                try:
                    return function(*args, **kwargs)
                finally:
                    sys.setprofile(before)
                    threading.setprofile(of_threads)
        except TooLong:
            raise TroubleError(f"  {alarm.why}\n{line_of(alarm.frames, file)}") from TimeoutError(alarm.why)
        except (KeyboardInterrupt, NoAlarmError):
            raise
        except BaseException as error:          # SystemExit, and whatever pytest.skip() raises, are no Exceptions
            if f"{type(error).__module__}.{type(error).__name__}" in QUIT:
                raise KeyboardInterrupt from None
            raise TroubleError(in_words(error, file)) from error
        finally:
            if os.getpid() != process:      # a copy, by os.fork(), which would go on as a second judge
                os._exit(1)
            run.borrowed |= spy.borrowed

    run.borrowed = set()
    return run


class Spy:
    """A profile function for sys.setprofile that notes the calls of what the learner should have written."""

    def __init__(self, forbidden):
        self.forbidden, self.borrowed = f"{forbidden}{os.sep}", set()

    def __call__(self, frame, event, arg):
        if event == "call" and frame.f_code.co_flags & inspect.CO_GENERATOR:
            return          # Python may be clearing one away that others have left; whoever borrows calls a function
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
    """Throws TooLong into the thread that entered it, and keeps why, and the lines it was then at. A bare `except:` may
    catch it: it is thrown again, until the thread has left.

    In the main thread a signal comes with it, as sleeping and waiting for a lock are not cut by an exception alone.

    It rings when the process has computed for so many seconds, or when PATIENCE is at its end: on a busy machine a
    short function may take long, and has not computed for long. It begins anew while a debugger is at work.
    """

    def __init__(self, seconds):
        self.seconds, self.why, self.frames = seconds, "", []

    def __enter__(self):
        self.thread, self.outermost, self.traced = threading.get_ident(), sys._getframe(1), bool(sys.gettrace())
        self.lock, self.over, self.handler = threading.Lock(), False, None
        self.begin()
        try:
            self.wait(self.seconds)
        except RuntimeError as error:           # Python can start no thread
            raise NoAlarmError(f"{error}: give it more memory, or let it have more processes") from error
        if SIGNAL and threading.current_thread() is threading.main_thread():
            self.handler = signal.signal(SIGNAL, lambda *_: None)       # in it arrives what was thrown

    def begin(self):
        self.computed, self.begun = time.process_time(), time.monotonic()

    def wait(self, seconds):
        self.timer = threading.Timer(min(max(seconds, AGAIN), LOOK), self.ring)
        self.timer.daemon = True
        self.timer.start()

    def ring(self):
        with self.lock:
            if self.over:
                return
            if self.why:
                self.throw()
                return
            frame = sys._current_frames()[self.thread]
            if self.traced or debugger_in(frame, self.outermost):
                DEBUGGED.set()
                self.begin()
            computed = time.process_time() - self.computed
            missing, patience = self.seconds - computed, PATIENCE - (time.monotonic() - self.begun)
            if missing > 0 and patience > 0:
                self.wait(min(missing, patience))
                return
            seconds = PATIENCE if missing > 0 else self.seconds
            self.why = f"still running after {seconds} seconds: is there a loop without an end?"
            if computed < self.seconds / 10:        # more is a loop, on a busy machine
                self.why = f"has waited for {seconds} seconds: what for?"
            self.frames = traceback.extract_stack(frame)
            self.throw()

    def throw(self):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), ctypes.py_object(TooLong))
        if self.handler is not None:
            signal.pthread_kill(self.thread, SIGNAL)
        self.wait(AGAIN)

    def __exit__(self, *_):
        while not self.over:
            with suppress(TooLong), self.lock:
                self.over = True
        with suppress(TooLong):
            for _ in range(10):         # here arrives one that is on its way
                pass
        self.timer.cancel()
        if self.handler is not None:
            signal.signal(SIGNAL, self.handler)


def debugger_in(frame, outermost):
    """Whether a debugger is at work in a frame or those that it was called from, up to the outermost that counts.

    Most put a trace function into each of them. Those that use sys.monitoring are seen only by that they are there.
    """
    monitoring = getattr(sys, "monitoring", None)       # since Python 3.12
    if monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None:
        return True
    while frame not in (None, outermost):
        if frame.f_trace is not None and not gone_on(getattr(frame.f_trace, "__self__", None)):
            return True
        frame = frame.f_back
    return False


def gone_on(debugger):
    """Whether it was told to continue and has no place to stop again: pdb leaves its trace function behind then."""
    return isinstance(debugger, bdb.Bdb) and debugger.stoplineno == -1 and not debugger.breaks


def line_of(frames, file):
    """The innermost of these lines that the learner wrote."""
    learners = [frame for frame in frames if Path(frame.filename).parent == Path(file).parent]
    if not learners:
        return ""
    return f"  {Path(learners[-1].filename).name}, line {learners[-1].lineno}:  {learners[-1].line.strip()}"


def in_words(error, file):
    """The exception, what it means, the learner's line that it came from, and the arrays that were there."""
    said = f"{str(error).strip()}{missing(error)}"
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


def missing(error):
    """What to do about a module that is not there, if it may be a file of the learner's."""
    if not isinstance(error, ImportError) or not error.name:
        return ""
    inside = re.match(r"cannot import name '(\w+)' from 'mine'", str(error))       # `from mine import helpers`
    if not (inside or isinstance(error, ModuleNotFoundError)):
        return ""
    file = (inside[1] if inside else error.name.removeprefix("mine.")).replace(".", "/")
    return f"; if that is a file of yours, mine/{file}.py must be there, and be handed in too"


def kind(array):
    return f"{array.dtype} {array.shape}"
