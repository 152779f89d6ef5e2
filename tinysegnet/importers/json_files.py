"""JSON files that are trusted in nothing."""

import json
import os
from contextlib import contextmanager
from operator import index

from tinysegnet.data.problems import FileError
from tinysegnet.importers.finding import first_file, inside


def load_json(path):
    """What is in a JSON file. Raises FileError if it is none."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise FileError("may not be read", path, "may not be read: change its rights") from error
    except (ValueError, RecursionError) as error:
        raise FileError("no JSON", path, f"cannot be read as JSON ({error}): put an intact one there") from error


def by_id(items):
    """{its "id": item}, in the order of the ids. Raises ValueError if two have one."""
    found = {one["id"]: one for one in items}
    if len(found) < len(items):
        raise ValueError("two have one id")
    return dict(sorted(found.items()))


def photograph_of(source, path, name, embedded):
    """The path that `name` in the JSON file at `path` means, or that file's own if it is not there, but `embedded`.

    Raises FileError if the name leads out of `source`, and nothing is embedded.
    """
    try:
        photograph = first_file([inside(source, path.parent, name, path)])
    except FileError:
        if not embedded:
            raise
        return path
    return path if embedded and not os.path.isfile(photograph) else photograph


def whole(number):
    """A number of pixels: 20, or 20.0 as some write it. Raises TypeError if it is none."""
    return int(number) if isinstance(number, float) and number.is_integer() else index(number)


@contextmanager
def as_written_by(tool, path):
    """What a file lacks, or has in another form than the tool writes it, becomes a FileError of that file."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else error
        kind = "lacking" if isinstance(error, KeyError) else f"damaged: {error}"
        way_out = "choose its own KIND, or save it there again"
        raise FileError(kind, path, f"is not as {tool} writes it ({reason}): {way_out}") from error
