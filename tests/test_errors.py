"""How a command ends, whatever happens to it."""

import os
import subprocess
import sys

import pytest

START = "from tinysegnet.support.errors import InputError, exit_in_words\n"


def end(body, **options):
    """The finished process of a program whose main() has this body."""
    code = f"{START}def main():\n    {body}\nexit_in_words(main, 'use a smaller --batch')"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.mark.parametrize(
    "body, code, text",
    [
        ("pass", 0, ""),
        ("raise InputError('x.png is missing: put it back')", 2, "error: x.png is missing: put it back\n"),
        ("raise MemoryError('9 GB\\nand a trace')", 2, "error: out of memory: use a smaller --batch (9 GB)\n"),
        ("import numpy; numpy.empty(1 << 55)", 2, "and data type float64)\n"),
        ("open('x' * 300)", 2, "File name too long: see that it is there and may be read and written\n"),
        ("raise MemoryError", 2, "error: out of memory: use a smaller --batch (no details)\n"),
        ("raise KeyboardInterrupt", 130, "stopped\n"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143, ""),
    ],
)
def test_one_sentence_and_an_exit_code(body, code, text):
    process = end(body)
    assert process.returncode == code and process.stderr.endswith(text) and "Traceback" not in process.stderr
    assert process.stderr.count("\n") <= 1


def test_a_bug_still_shows_where_it_is():
    process = end("1 / 0")
    assert process.returncode == 1 and "ZeroDivisionError" in process.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_an_output_that_is_full_or_closed():
    code = f"{START}def main():\n    print('x', flush=True)\nexit_in_words(main)"
    full = subprocess.run(["sh", "-c", f'"{sys.executable}" -c "$0" > /dev/full', code], capture_output=True, text=True)
    assert full.returncode in (2, 120) and "error: the output: No space left on device" in full.stderr
    closed = subprocess.run(["sh", "-c", f'"{sys.executable}" -c "$0" >&-', code], capture_output=True, text=True)
    assert closed.returncode == 0 and closed.stderr == ""


def test_whoever_reads_the_output_may_go():
    body = "print('x' * 100_000)\n    print('y' * 100_000, flush=True)"
    code = f"{START}def main():\n    {body}\nexit_in_words(main)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(timeout=60) == 1 and process.stderr.read() == ""
    process.stderr.close()


def test_what_the_stream_cannot_encode_is_spelt_out():
    process = end("print('caf\\u00e9 \\u2603')", env=os.environ | {"PYTHONIOENCODING": "cp1252"}, encoding="cp1252")
    assert process.returncode == 0 and process.stdout == "caf\u00e9 \\u2603\n"
