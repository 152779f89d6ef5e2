"""What somebody has handed in for a lesson, judged in a process of its own: see judge_file."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from lessons.engine import course
from lessons.engine.exercises import BORROWED, DONE, TODO, WRONG
from lessons.engine.judge_file import CANNOT_WRITE, NOT_JUDGED
from tinysegnet.support.errors import InputError, because

CRASHED, NOTHING = "crashed", "not handed in"
KINDS = DONE, WRONG, TODO, BORROWED, CRASHED, NOTHING, NOT_JUDGED
ENDED = "no verdict: the process ended with status "
RUNNING = set()         # the processes of judges
LARGEST = 1 << 20       # bytes of a file that is taken along


class JudgeError(Exception):
    """The judge has failed, and not who is judged. The text says why."""


class Part(NamedTuple):
    """What points are given for."""

    lesson: str
    exercise: str
    name: str           # of the gradient or result
    kind: str           # one of KINDS
    text: str = ""      # why
    slips: tuple = ()   # (kind, sentence): see slips.py
    uses: tuple = ()    # the lesson's other functions that it comes from
    worth: float = 1    # points, if it is done

    @property
    def points(self):
        return self.worth if self.kind == DONE else 0


class Limits(NamedTuple):
    """For a lesson of one person."""

    seconds: int
    megabytes: int
    seed: str = "-"     # of the cases; "-": those that everybody knows


def trial(lesson, limits):
    """({exercise: names of its parts}, megabytes of the limit or 0), as the judge has them of the right answers.

    Raises InputError if they are not done: then nobody's would be.
    """
    number = lesson.name[:2]
    try:
        with tempfile.TemporaryDirectory() as folder:
            end = judge_in_process(lesson.name, folder, limits, "library")
            memory, judged = verdicts_in(Path(folder) / "verdicts.jsonl")
    except (OSError, JudgeError) as error:
        raise InputError(f"the judge does not work here, and nobody was judged: {reason(error)}") from error
    failed = [" ".join(f"{name} {part} {text}".split()) for name, verdicts in judged.items()
              for part, (kind, text, *_) in verdicts.items() if kind != DONE]
    if failed and limits.seed != "-":
        raise InputError(f"with --seed {limits.seed} the cases of lesson {number} are no good: choose another number")
    if failed or end != ENDED + "0":
        why = failed[0] if failed else f"{end}: see --seconds and --megabytes"
        raise InputError(f"the judge of lesson {number} fails on the right answers, and nobody was judged: {why}")
    return {name: list(verdicts) for name, verdicts in judged.items()}, memory


def grade_lesson(mine, lesson, wanted, limits):
    """The Parts of one lesson of one person, whose files are in `mine`, None if there are none.

    wanted  {exercise: names of its parts}
    """
    file = course.own_file(lesson, mine) if mine else None
    if not (file and file.is_file()):
        return all_parts(lesson, wanted, NOTHING, f"  there is no {lesson.name}.py")
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            folder = str(Path(folder).resolve())
            copy_python(mine, Path(folder) / "mine")
            if not (Path(folder) / "mine" / file.name).is_file():
                raise JudgeError(f"{file.name} cannot be read, or is larger than {LARGEST >> 10} KiB")
            end = judge_in_process(lesson.name, folder, limits)
            _, judged = verdicts_in(Path(folder) / "verdicts.jsonl")
    except (OSError, JudgeError) as error:
        return all_parts(lesson, wanted, NOT_JUDGED, f"  {reason(error)}")
    return list(parts(lesson, wanted, judged, end, folder))


def all_parts(lesson, wanted, kind, text):
    return [Part(lesson.name, exercise, name, kind, text) for exercise, names in wanted.items() for name in names]


def parts(lesson, wanted, judged, end, folder):
    cannot_be_read = re.compile(rf"\s*mine/\d\d_{course.slug(lesson.name)}\.py cannot be read")
    for exercise, names in wanted.items():
        known = judged.get(exercise, {})
        for name in names:
            found = known.get(name) or known.get("") or (CRASHED, f"  {end}", [("crash", end)], [])
            kind, text, slips, uses = found
            kind = CRASHED if cannot_be_read.match(text) else kind
            said = tuple((sort, impersonal(sentence, folder)) for sort, sentence in slips)
            text = with_its_page(impersonal(text, folder), lesson).strip("\n")
            yield Part(lesson.name, exercise, name, kind, text, said, tuple(uses))


def reason(error):
    return f"a file cannot be written or read{because(error)}" if isinstance(error, OSError) else str(error)


def with_its_page(text, lesson):
    """The lesson's page to read again, and not the library, which is the solution."""
    return re.sub(r"(?m)^  read  tinysegnet/.*$", f"  read  lessons/{lesson.name}/README.md", text)


def impersonal(text, folder):
    """Without the paths of this machine, over the end of a line too."""
    for path in (folder, str(course.ROOT), sys.prefix, sys.base_prefix, str(Path.home())):
        if len(path) > 1:
            text = re.sub(r"(?:\n\s*)?".join(map(re.escape, path)) + r"(?![\w-])(?:\n\s*)?[\\/]?", "", text)
    return text


def copy_python(mine, to):
    """Copy what an answer can import of a folder that was handed in. What cannot be read there is left out.

    Raises OSError if it cannot be written.
    """
    to.mkdir()
    for folder, names, files in os.walk(mine):
        names[:] = [name for name in names if name[0] not in "._"]
        for name in files:
            path = Path(folder, name)
            if path.suffix != ".py" or not path.is_file():
                continue
            try:
                if path.stat().st_size > LARGEST:
                    continue
                content = path.read_bytes()
            except OSError:
                continue
            copy = to / path.relative_to(mine)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)


def verdicts_in(path):
    """(megabytes, {exercise: {part: (kind, text, slips, uses)}}) of what a judge has written, up to what nobody can
    read: strangers' code ran beside it."""
    memory, judged = 0, {}
    with suppress(OSError, ValueError, TypeError, AttributeError):
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        [memory] = json.loads(first)
        for line in lines:
            exercise, verdicts = json.loads(line)
            judged[exercise] = {
                part: (str(kind), str(text), [(str(sort), str(what)) for sort, what in slips], [*map(str, uses)])
                for part, (kind, text, slips, uses) in verdicts.items()
            }
    return memory, judged


def status_of(command, seconds, **options):
    """The status of a process when it ends, None if it was stopped. What it has started ends with it."""
    with subprocess.Popen(command, start_new_session=True, **options) as process:
        RUNNING.add(process)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            RUNNING.discard(process)
            end(process)


def end(process):
    """End a judge and, where the system has groups of processes, all in its group."""
    with suppress(ProcessLookupError, PermissionError):         # it has ended, and on macOS is not yet forgotten
        os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()


def end_all():
    for process in list(RUNNING):
        end(process)


def judge_in_process(name, folder, limits, whose="mine"):
    """Judge the file of a lesson in a process of its own. Returns in words how that ended.

    Raises JudgeError if it was not the learner's fault, and OSError if a file cannot be written.
    """
    environment = os.environ | {"PYTHONPATH": str(course.ROOT), "TINYSEGNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "lessons.engine.judge_file", name, folder]
    command += [str(limits.megabytes), limits.seed, whose]
    said = Path(folder) / "stderr.txt"
    with open(said, "wb") as file:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": file}
        try:
            status = status_of(command, limits.seconds, cwd=folder, env=environment, **quiet)
        except OSError as error:
            raise JudgeError(f"the judge cannot be started{because(error)}") from error
    if status == CANNOT_WRITE:
        raise JudgeError("the judge could not write its verdicts: is the disk full?")
    began = (Path(folder) / "verdicts.jsonl").exists() and (Path(folder) / "verdicts.jsonl").stat().st_size
    if not began:
        lines = said.read_text(encoding="utf-8", errors="replace").split("\n") if said.exists() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), f"it ended with status {status}")
        late = f"it had not begun after {limits.seconds} seconds: raise --seconds, or lower --jobs"
        raise JudgeError(f"the judge failed: {late if status is None else last}")
    if status is not None and status == -getattr(signal, "SIGKILL", 0):
        raise JudgeError("the system killed the judge: for want of memory, if with --jobs 1 it does not")
    return f"stopped after {limits.seconds} seconds" if status is None else f"{ENDED}{status}"
