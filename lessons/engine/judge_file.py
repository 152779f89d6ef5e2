"""Judge one file of somebody else's, in a process of its own: lessons.grade starts it.

    python -m lessons.engine.judge_file LESSON FOLDER MEGABYTES

FOLDER/mine holds LESSON.py, and what it may import. A line of JSON goes to FOLDER/verdicts.jsonl for each exercise as
soon as it is judged, so that what came before an end by force is known.
"""

import json
import sys
from pathlib import Path

from lessons.engine import course, judging, own_files

try:
    import resource
except ImportError:     # Windows
    resource = None


def main(name, folder, megabytes):
    lesson, course.MINE = course.LESSONS / name, Path(folder) / "mine"
    exercises = course.exercises(lesson)
    if resource:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    with open(Path(folder) / "verdicts.jsonl", "a", encoding="utf-8") as file:
        for exercise in exercises:
            with own_files.noted(lesson):
                verdicts, _ = judging.verdicts_on(lesson, exercise)
            print(json.dumps([exercise.name, verdicts]), file=file, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
