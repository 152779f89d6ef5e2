"""Wrong answers made of right ones: mutation.py."""

import traceback

import pytest
from mutation import mutated


def right(x):
    y = 2 * x
    z = y + 1
    return z / (x - 1)


def test_lines_are_exchanged():
    assert mutated(right, "2 * x", "3 * x", "z = y + 1", "if y:\n    y = 0\n...")(3) == 0.5 and right(3) == 3.5


@pytest.mark.parametrize("line, times", [("z = y + 2", 0), ("y", 2)])
def test_a_line_that_is_absent_or_there_twice_is_an_error(line, times):
    with pytest.raises(ValueError, match=f"right has '.*' {times} times: it should be there once"):
        mutated(right, line, "pass")


def test_a_traceback_has_the_number_that_the_line_has_in_the_file():
    with pytest.raises(ZeroDivisionError) as caught:
        mutated(right, "y = 2 * x", "y = x")(1)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.lineno == right.__code__.co_firstlineno + 3 and last.line == "return z / (x - 1)"
    assert last.filename.startswith(f"{__file__}:right:")
