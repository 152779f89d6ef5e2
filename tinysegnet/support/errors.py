"""InputError: a mistake of the user, whose message says what to do; and how the command line ends."""

import errno
import os
import signal
import sys
import threading
import traceback
from contextlib import contextmanager, suppress


class InputError(Exception):
    """A file, an option or a machine is not as it must be; the message is one sentence that says what to do.

    The command line prints that sentence alone and exits with code 2.
    """


WAYS_OUT = {        # of other errors the system's own word must do
    errno.ENOENT: "see that it and its folder are there",
    errno.EEXIST: "it is a file: name a folder, or move it away",
    errno.ENOTDIR: "a part of that path is a file: name a folder, or move it away",
    errno.EISDIR: "it is a folder: name a file, or move it away",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f), or run elsewhere",
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room, or run elsewhere"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "get the rights to it, or run elsewhere"),
}


def because(error):
    """Why an OSError came and, where that is known, the way out: " (No space left on device): make room, ..."."""
    way_out = WAYS_OUT.get(error.errno)
    return f" ({error.strerror or str(error) or type(error).__name__})" + (f": {way_out}" if way_out else "")


def of_file(error):
    """An OSError as one sentence."""
    return f"{error.filename or 'the output'} cannot be read or written{because(error)}"


@contextmanager
def writing(path):
    """What fails to be written inside becomes an InputError that names `path`."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be written{because(error)}") from error


def exit_in_words(main, out_of_memory="close other programs, or use a smaller image"):
    """Run main() and end the process as a user expects, without a traceback for what is not a bug.

    InputError and a full memory: one sentence on stderr, exit code 2. Ctrl-C: 130, SIGTERM: 143. With
    TINYSEGNET_DEBUG=1 the traceback comes before the sentence. The standard streams may be closed, or exchanged as in
    a notebook, and the thread need not be the main one.
    """
    open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")   # a name that the terminal cannot show is no reason to stop
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    code = 0
    try:
        with traceback_if_asked():
            flushed(main)
    except InputError as error:
        code = complain(error)
    except MemoryError as error:                            # NumPy's and CuPy's are both of this kind
        code = complain(f"out of memory: {out_of_memory} ({str(error).partition(chr(10))[0] or 'no details'})")
    except KeyboardInterrupt as error:                      # of signals.stopped_with, it has something to say
        say(": ".join(["stopped", *map(str, error.args)]))
        code = 130
    except BrokenPipeError:                                 # whoever read the output, such as `head`, has gone
        code = 1
    except OSError as error:                                # a folder without rights, a name that is too long, ...
        code = complain(of_file(error))
    if code:
        drop_output()
        sys.exit(code)                                      # not while one is handled: a notebook would show both


def flushed(main):
    """Run main(), and write what it has printed: Python does so at its end too, but fails there in its own words."""
    try:
        main()
    except SystemExit:                                      # of --help
        flush()
        raise
    flush()


def flush():
    if usable(sys.stdout) and hasattr(sys.stdout, "flush"):
        sys.stdout.flush()


def drop_output():
    """What has been printed and cannot be written is not tried again at the end of Python."""
    try:
        flush()
    except OSError:
        with suppress(AttributeError, OSError, ValueError):             # of a stream that has been put in its place
            if sys.stdout.fileno() == 1:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


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
    for name in ("stdout", "stderr"):
        if not usable(getattr(sys, name)):
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))


def usable(stream):
    """Whether there is a stream to write to. What has been put in the place of a standard one may know little."""
    try:
        return stream is not None and not getattr(stream, "closed", False)
    except ValueError:                                      # what was under it has been detached
        return False


def complain(error):
    say(f"error: {error}")
    return 2


def say(sentence):
    """On stderr, if there is one: print would take stdout instead."""
    if usable(sys.stderr):
        print(sentence, file=sys.stderr)
