"""Ctrl-C and SIGTERM during a training: the step is finished and saved first. And what Ctrl-C means elsewhere."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress

from tinysegnet.support.errors import say
from tinysegnet.support.program import training
from tinysegnet.support.ranks import ALONE


class Stopped(SystemExit):
    """The end of a process that was asked to stop, and has saved. All ranks end so, at the same place."""


@contextmanager
def stopped_with(remark):
    """Ctrl-C inside ends the program with "stopped: remark", such as "nothing was saved yet"."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(remark) from error


class Stop:
    """`with Stop() as stop:` the first signal is only noted; a second one ends the process at once.

    On several ranks one of them is enough, and all stop at the same place. SIGUSR1, where there is one, is a signal
    then too: of the launchers of MPI some pass on no other.

    number  of the signal that has come to this process, or None; only a signal changes it
    """

    def __init__(self, ranks=ALONE):
        self.ranks = ranks

    def __enter__(self):
        self.number, self.handlers = None, {}
        signals = [signal.SIGINT, signal.SIGTERM]
        if self.ranks.size > 1 and hasattr(signal, "SIGUSR1"):          # Windows has none
            signals.append(signal.SIGUSR1)
        if threading.current_thread() is threading.main_thread():       # no other may ask for signals, or gets any
            self.handlers = {number: signal.signal(number, self.note) for number in signals}
        return self

    def __exit__(self, *_):
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def note(self, number, _):
        if self.number is not None:
            sys.exit(128 + number)
        self.number = number
        if self.ranks.rank:
            return
        with suppress(OSError):         # whoever read stderr, such as `tee`, may be gone by the same Ctrl-C
            os.write(2, b"\nfinishing this step, and saving (once more: stop at once)\n")     # print may be at work

    def until(self, items, seconds=float("inf")):
        """The items, one by one, until a signal comes or the seconds are over: one at least, if no signal came. Every
        rank has as many of them."""
        end = time.monotonic() + seconds
        for item in items:
            if self.asked() is not None:
                return
            yield item
            if self.ranks.from_first(time.monotonic() > end):
                return

    def asked(self):
        """The number of a signal that has come to any rank, or None: on all ranks the same. One that comes while they
        talk waits for the next time."""
        return next((number for number in self.ranks.gather(self.number) if number is not None), None)

    def leave_if_asked(self, run):
        number = self.asked()
        if number is not None:
            with suppress(OSError):
                say(f"stopped and saved: go on with  {training()} --name {run.path.name} --resume")
            raise Stopped(128 + number)         # 130 after Ctrl-C, 143 after SIGTERM
