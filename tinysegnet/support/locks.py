"""Files and folders that one process has at a time."""

import errno

try:
    import fcntl
except ImportError:             # Windows
    fcntl = None

TAKEN = errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES      # what flock says if another process has it


def taken(file):
    """Whether another process has an open file, or folder; if none has, this one has it until the file is closed.

    On Windows nobody ever has. Raises OSError where the file system has no locks.
    """
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in TAKEN:
            raise
        return True
    return False
