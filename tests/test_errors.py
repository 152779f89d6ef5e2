"""How a command ends, whatever happens to it."""

import errno
import io
import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from tinysegnet import __main__ as commands
from tinysegnet.support.errors import InputError, exit_in_words, writing
from tinysegnet.support.options import Parser, height_x_width, positive
from tinysegnet.support.progress import bar
from tinysegnet.support.signals import Stop

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
        ("open('x' * 300)", 2, " cannot be read or written (File name too long): give it a shorter name\n"),
        ("raise OSError('odd')", 2, "error: the output cannot be read or written (odd)\n"),
        ("raise OSError", 2, "error: the output cannot be read or written (OSError)\n"),
        ("raise MemoryError", 2, "error: out of memory: use a smaller --batch (no details)\n"),
        ("raise KeyboardInterrupt", 130, "stopped\n"),
        (
            "from tinysegnet.support.signals import stopped_with\n"
            "    with stopped_with('nothing was saved yet'):\n        raise KeyboardInterrupt",
            130, "stopped: nothing was saved yet\n",
        ),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143, "",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself signals here"),
        ),
    ],
)
def test_one_sentence_and_an_exit_code(body, code, text):
    process = end(body)
    assert process.returncode == code and process.stderr.endswith(text) and "Traceback" not in process.stderr
    assert process.stderr.count("\n") <= 1


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize(
    "error, code, sentence",
    [
        ("InputError('x.png is missing: put it back')", 2, "error: x.png is missing: put it back\n"),
        ("MemoryError", 2, "error: out of memory: use a smaller --batch (no details)\n"),
        ("KeyboardInterrupt", 130, "stopped\n"),
        ("FileNotFoundError(2, 'No such file', 'x.png')", 2, "(No such file): see that it and its folder are there\n"),
        ("BrokenPipeError", 1, ""),
        ("SystemExit(143)", 143, ""),
    ],
)
def test_the_traceback_behind_a_sentence_is_shown_to_whoever_asks(error, code, sentence, asked):
    process = end(f"raise {error}", env=os.environ | {"TINYSEGNET_DEBUG": "1" if asked else "0"})
    assert process.returncode == code and process.stderr.endswith(sentence) and process.stdout == ""
    shown = asked and error != "SystemExit(143)"            # the signal to stop is no error
    assert process.stderr.startswith("Traceback (most recent call last):\n") == ("Traceback" in process.stderr) == shown
    assert not shown or f"raise {error}" in process.stderr or "in main" in process.stderr


@pytest.mark.parametrize(
    "name, way_out",
    [
        ("ENOSPC", ": make room, or run elsewhere"), ("EDQUOT", ": make room, or run elsewhere"),
        ("EACCES", ": get the rights to it, or run elsewhere"), ("EPERM", ": get the rights to it, or run elsewhere"),
        ("EROFS", ": get the rights to it, or run elsewhere"),
        ("EEXIST", ": it is a file: name a folder, or move it away"),
        ("ENOTDIR", ": a part of that path is a file: name a folder, or move it away"),
        ("EISDIR", ": it is a folder: name a file, or move it away"),
        ("ENAMETOOLONG", ": give it a shorter name"), ("ENOENT", ": see that it and its folder are there"),
        ("EFBIG", r": raise the limit on the size of files \(ulimit -f\), or run elsewhere"),
        ("EIO", ""), ("EMFILE", ""), ("ELOOP", ""),
    ],
)
def test_the_way_out_fits_what_the_system_says(name, way_out):
    number = getattr(errno, name)
    with pytest.raises(InputError, match=rf"^a/b cannot be written \({os.strerror(number)}\){way_out}$"):
        with writing("a/b"):
            raise OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    "path, way_out",
    [
        ("file", ": it is a file: name a folder, or move it away"),
        ("file/below", ": a part of that path is a file: name a folder, or move it away"),
        ("x" * 300, ": give it a shorter name"),
    ],
)
def test_a_folder_that_cannot_be_made(tmp_path, path, way_out):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=f"{way_out}$"), writing(path):
        (tmp_path / path).mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize("value", ["-1x5", "-1", "-.5x3", "-0x0", "-12"])
@pytest.mark.parametrize("before", [[], ["train"]])
def test_a_value_that_begins_with_a_minus_is_judged_as_a_value(capsys, before, value):
    """By the parsers of subcommands too. What argparse takes for an option has no value, it says, and no more."""
    parser = Parser()
    of_command = parser.add_subparsers().add_parser("train") if before else parser
    of_command.add_argument("--size", type=height_x_width)
    of_command.add_argument("--lr", type=positive)
    with pytest.raises(SystemExit):
        parser.parse_args([*before, "--size", value])
    said = f"argument --size: {value!r} is not a size: write height x width in pixels, as in 180x240"
    assert said in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parser.parse_args([*before, "--lr", "-1e-3"])
    assert "argument --lr: '-1e-3' is not a number above 0" in capsys.readouterr().err
    assert parser.parse_args([*before, "--size", "4x5", "--lr", "1e-3"]).size == (4, 5)
    with pytest.raises(SystemExit):
        parser.parse_args([*before, "--sise", "4x5"])
    assert "unrecognized arguments: --sise 4x5" in capsys.readouterr().err


def test_the_commands_judge_it_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tinysegnet", "evaluate", "--samples", "-2x"])
    with pytest.raises(SystemExit):
        commands.main()
    assert "argument --samples: '-2x' is not a whole number from 2 to 999999" in capsys.readouterr().err


def test_a_bug_still_shows_where_it_is():
    process = end("1 / 0")
    assert process.returncode == 1 and "ZeroDivisionError" in process.stderr


BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
FULL = "the output cannot be read or written (No space left on device): make room, or run elsewhere"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@pytest.mark.parametrize(
    "then, error",
    [
        ("", FULL), ("; sys.stdout.flush()", FULL), ("; sys.exit(0)", FULL),
        ("; raise InputError('x.png is missing')", "x.png is missing"),
    ],
)
def test_an_output_that_is_full(then, error):
    code = f"import sys\n{START}def main():\n    print('x'){then}\nexit_in_words(main)"
    full = subprocess.run(["sh", "-c", f'"{sys.executable}" -c "$0" > /dev/full', code], capture_output=True, text=True,
                          env=BUFFERED)
    assert (full.returncode, full.stderr) == (2, f"error: {error}\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_another_stream_that_is_full_leaves_the_output_alone():
    code = f"""
import contextlib
{START}
with contextlib.redirect_stdout(open("/dev/full", "w")):
    try:
        exit_in_words(lambda: print("x"))
    except SystemExit as left:
        code = left.code
print(code, flush=True)
import os
os._exit(0)                     # or Python tries again at its end to write the x
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (process.stdout, process.stderr) == ("2\n", f"error: {FULL}\n")


def test_an_output_that_is_closed():
    code = f"{START}def main():\n    print('x')\nexit_in_words(main)"
    closed = subprocess.run(["sh", "-c", f'"{sys.executable}" -c "$0" >&-', code], capture_output=True, text=True)
    assert closed.returncode == 0 and closed.stderr == ""


@pytest.mark.parametrize("printed", [200_000, 2])       # at once more than a pipe holds, or nothing before the end
def test_whoever_reads_the_output_may_go(printed):
    code = f"import sys\n{START}def main():\n    sys.stdin.read(1); print('x' * {printed})\nexit_in_words(main)"
    process = subprocess.Popen([sys.executable, "-c", code], text=True, env=BUFFERED, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    process.stdin.close()                               # only now it prints
    assert process.wait(timeout=60) == 1 and process.stderr.read() == ""
    process.stderr.close()


def test_what_the_stream_cannot_encode_is_spelt_out():
    process = end("print('caf\\u00e9 \\u2603')", env=os.environ | {"PYTHONIOENCODING": "cp1252"}, encoding="cp1252")
    assert process.returncode == 0 and process.stdout == "caf\u00e9 \\u2603\n"


def test_where_the_output_was_exchanged():
    """As in a notebook, or under contextlib.redirect_stdout: such a stream has no encoding to set and no number."""
    code = f"""
import contextlib, io
{START}
out, err = io.StringIO(), io.StringIO()

def main():
    print("caf\u00e9")
    raise InputError("x.png is missing")

with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    exit_in_words(lambda: print("a"))
    try:
        exit_in_words(main)
    except SystemExit as left:
        code = left.code
assert (code, out.getvalue(), err.getvalue()) == (2, "a\\ncaf\u00e9\\n", "error: x.png is missing\\n")
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def in_a_thread(do):
    """What do() has returned in a thread that is not the main one, or raised there."""
    results = []

    def run():
        try:
            results.append(do())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    (result,) = results
    return result


def test_in_a_thread_that_is_not_the_main_one(capsys):
    """Which may not ask for signals."""
    def main():
        raise InputError("x.png is missing")

    before = signal.getsignal(signal.SIGTERM)
    left = in_a_thread(lambda: exit_in_words(main))
    assert isinstance(left, SystemExit) and left.code == 2 and left.__context__ is None     # a notebook would show it
    assert capsys.readouterr().err == "error: x.png is missing\n"
    assert in_a_thread(lambda: exit_in_words(lambda: None)) is None
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_stream_that_can_write_and_no_more(monkeypatch):
    written = []
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(write=written.append))
    assert in_a_thread(lambda: exit_in_words(lambda: print("x"))) is None
    assert written == ["x", "\n"]


def test_a_training_in_such_a_thread_goes_to_its_end():
    """Stop asks for no signals there; its items come as ever, and no handler is changed."""
    def train():
        with Stop() as stop:
            inside = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
            return inside, list(stop.until(range(3))), stop.leave_if_asked(None)

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert in_a_thread(train) == (before, [0, 1, 2], None)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def closed(streams, body, folder):
    """The finished process of such a program, started by a shell with these streams closed."""
    code = f"{START}def main():\n    {body}\nexit_in_words(main)"
    command = ["sh", "-c", f'"{sys.executable}" -c "$0" {streams}', code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="no such shell here")
@pytest.mark.parametrize("streams", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_with_stderr_closed_the_sentence_goes_nowhere(tmp_path, streams):
    """And not to stdout, nor into the next file that is opened, which would have the number of stderr."""
    body = (
        "import os\n    file = open('opened', 'w')\n    assert file.fileno() > 2\n    file.write('its own')\n"
        "    file.flush()\n    os.write(2, b'from elsewhere')\n    raise InputError('x.png is missing')"
    )
    process = closed(streams, body, tmp_path)
    assert process.returncode == 2 and process.stdout == process.stderr == ""
    assert (tmp_path / "opened").read_text() == "its own"


@pytest.mark.skipif(sys.platform == "win32", reason="no such shell here")
def test_with_stderr_closed_there_is_no_bar(tmp_path):
    body = (
        "from tinysegnet.support.progress import bar\n    print(list(bar([1, 2], 'reading')))\n"
        "    with bar(total=3) as shown:\n        shown.update()"
    )
    process = closed("2>&-", body, tmp_path)
    assert (process.returncode, process.stdout) == (0, "[1, 2]\n")


class OnlyWrites:
    """What somebody has put in the place of a standard stream."""

    def write(self, text):
        raise AssertionError("a bar was drawn")

    def isatty(self):
        return False


def closed_stream():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, closed_stream(), OnlyWrites()])
def test_a_bar_where_no_one_sees_it(monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    assert list(bar(range(3), "reading")) == [0, 1, 2]
    with bar(total=3) as shown:
        shown.update()
        shown.set_postfix(loss="1")


ARGUMENTS = "import argparse\n    argparse.ArgumentParser().parse_args(['--wrong'])"
BARE = "class Bare:\n    write, flush = sys.__stdout__.write, sys.__stdout__.flush\n"      # and no `closed`
ERROR = "error: x: mend it\n"


@pytest.mark.parametrize(
    "before, body, code, out, err",
    [
        ("sys.stdout.close()", "print('x', flush=True)\n    raise InputError('x: mend it')", 2, "", ERROR),
        ("sys.stderr.close()", "raise InputError('x: mend it')", 2, "", ""),
        ("sys.stderr.close()", ARGUMENTS, 2, "", ""),
        ("sys.stderr = None", ARGUMENTS, 2, "", ""),
        ("sys.stderr = None", "raise KeyboardInterrupt", 130, "", ""),
        ("sys.stderr.detach()", "raise InputError('x: mend it')", 2, "", ""),
        ("sys.stdout.detach()", "print('x')\n    raise InputError('x: mend it')", 2, "", ERROR),
        (f"{BARE}sys.stderr = Bare()", "raise InputError('x: mend it')", 2, ERROR, ""),
        (f"{BARE}sys.stdout = Bare()", "print('x')", 0, "x\n", ""),
        ("sys.stdin.close()", "raise InputError('x: mend it')", 2, "", ERROR),
        ("sys.stdin = None", "print('x')", 0, "x\n", ""),
        ("sys.stdout = io.StringIO()", "raise BrokenPipeError", 1, "", ""),
        ("sys.stdout = None", "raise BrokenPipeError", 1, "", ""),
    ],
)
def test_streams_that_were_closed_or_exchanged(before, body, code, out, err):
    program = f"import io, sys\n{START}{before}\ndef main():\n    {body}\nexit_in_words(main)"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (process.returncode, process.stdout, process.stderr) == (code, out, err)
