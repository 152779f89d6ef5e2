"""Files that are whole at any moment, `kill -9` and power cuts included."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path

from tinysegnet.support.errors import writing


def write(path, content):
    """Make `content`, bytes, the content of the file `path`. See `replacing`."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path):
    """A binary file whose content becomes that of `path` at the end. Until then, the old file is there as it was.

    The new one is written under another name beside it, forced to the disk, and only then renamed. Of two processes
    that write one file at a time, the last to end has it. Raises InputError if it cannot be written.
    """
    path = Path(path)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")        # no other process has that name
    with writing(path):
        try:
            with open(unfinished, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
            sync_folder(path.parent)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise


def sync_folder(folder):
    """Force a renaming to the disk, where the system can: Windows and some file systems (of a network, say) cannot.

    The file is whole either way: it is on the disk itself, under the new name or the old.
    """
    if hasattr(os, "O_DIRECTORY"):
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
