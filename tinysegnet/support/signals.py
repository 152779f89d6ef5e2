"""Ctrl-C and SIGTERM during a training: the step is finished and saved first. And what Ctrl-C means elsewhere."""

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress

from tinysegnet.support.errors import say
from tinysegnet.support.program import training


@contextmanager
def stopped_with(remark):
    """Ctrl-C inside ends the program with "stopped: remark", such as "nothing was saved yet"."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(remark) from error


class Stop:
    """`with Stop() as stop:` the first signal is only noted; a second one ends the process at once."""

    def __enter__(self):
        self.number, self.handlers = None, {}
        if threading.current_thread() is threading.main_thread():       # no other may ask for signals, or gets any
            self.handlers = {number: signal.signal(number, self.note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self.handlers.items():
            signal.signal(number, handler)

    def note(self, number, _):
        if self.number is not None:
            sys.exit(128 + number)
        self.number = number
        with suppress(OSError):         # whoever read stderr, such as `tee`, may be gone by the same Ctrl-C
            os.write(2, b"\nfinishing this step, and saving (once more: stop at once)\n")     # print may be at work

    def until(self, items, seconds=float("inf")):
        """The items, one by one, until a signal comes or the seconds are over: one at least, if no signal came."""
        end = time.monotonic() + seconds
        for item in items:
            if self.number is not None:
                return
            yield item
            if time.monotonic() > end:
                return

    def leave_if_asked(self, run):
        if self.number is not None:
            with suppress(OSError):
                say(f"stopped and saved: go on with  {training()} --name {run.path.name} --resume")
            sys.exit(128 + self.number)     # 130 after Ctrl-C, 143 after SIGTERM
