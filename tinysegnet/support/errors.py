"""InputError: a mistake of the user, whose message says what to do; and how the command line ends."""

import os
import signal
import sys
import threading
import traceback
from contextlib import contextmanager


class InputError(Exception):
    """A file, an option or a machine is not as it must be; the message is one sentence that says what to do.

    The command line prints that sentence alone and exits with code 2.
    """


@contextmanager
def writing(path):
    """What fails to be written inside becomes an InputError that names `path`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be written ({reason}): make room, or run elsewhere") from error


def exit_in_words(main, out_of_memory="close other programs, or use a smaller image"):
    """Run main() and end the process as a user expects, without a traceback for what is not a bug.

    InputError and a full memory: one sentence on stderr, exit code 2. Ctrl-C: 130, SIGTERM: 143. With
    TINYSEGNET_DEBUG=1 the traceback comes before the sentence.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure") and not stream.closed:    # they may have been exchanged, as in a notebook
            stream.reconfigure(errors="backslashreplace")   # a name that the terminal cannot show is no reason to stop
    open_standard_streams()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with traceback_if_asked():
            main()
    except InputError as error:
        sys.exit(complain(error))
    except MemoryError as error:                            # NumPy's and CuPy's are both of this kind
        sys.exit(complain(f"out of memory: {out_of_memory} ({str(error).partition(chr(10))[0] or 'no details'})"))
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)
    except BrokenPipeError:                                 # whoever read the output, such as `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:                                # a folder without rights, a name that is too long, ...
        name = error.filename or "the output"
        sys.exit(complain(f"{name}: {error.strerror or error}: see that it is there and may be read and written"))


@contextmanager
def traceback_if_asked():
    """With TINYSEGNET_DEBUG=1 the traceback of what is to become a sentence goes to stderr; a bug has one anyway."""
    try:
        yield
    except (InputError, MemoryError, KeyboardInterrupt, OSError):
        if os.environ.get("TINYSEGNET_DEBUG") == "1":
            say(traceback.format_exc().rstrip())
        raise


def open_standard_streams():
    """Let a standard stream that was closed (2>&-) lead nowhere, or the next file would be opened in its place."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)                  # takes the lowest number that is free


def complain(error):
    say(f"error: {error}")
    return 2


def say(sentence):
    """On stderr, if there is one: print would take stdout instead."""
    if sys.stderr is not None and not sys.stderr.closed:
        print(sentence, file=sys.stderr)
