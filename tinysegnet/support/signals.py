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


@contextmanager
def stopped_with(remark):
    """Ctrl-C inside ends the program with "stopped: remark", such as "nothing was saved yet"."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(remark) from error


class Stop:
    """`with Stop() as stop:` the first signal is only noted; a second one ends the process at once.

    On several ranks one of them is enough, and all stop at the same place. SIGUSR1 is a signal there too: of the
    launchers of MPI some pass on no other.
    """

    def __init__(self, ranks=ALONE):
        self.ranks = ranks

    def __enter__(self):
        self.number, self.handlers = None, {}
        signals = [signal.SIGINT, signal.SIGTERM] + [signal.SIGUSR1] * (self.ranks.size > 1)
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
            if self.asked():
                return
            yield item
            if self.ranks.from_first(time.monotonic() > end):
                return

    def asked(self):
        """Whether a signal has come, to any rank."""
        self.number = next((number for number in self.ranks.gather(self.number) if number is not None), None)
        return self.number is not None

    def leave_if_asked(self, run):
        if self.asked():
            with suppress(OSError):
                say(f"stopped and saved: go on with  {training()} --name {run.path.name} --resume")
            sys.exit(128 + self.number)     # 130 after Ctrl-C, 143 after SIGTERM
