"""What a person gets to read: what is done, and what is wrong, in the checker's words."""

import textwrap

from lessons.engine.exercises import DONE
from lessons.engine.gradebook import word
from lessons.engine.grading import NOTHING
from lessons.engine.tables import number


def feedback(row):
    """The text of feedback.md."""
    lines = [f"# {row.person.name}", "", f"{number(row.points)} of {number(row.worth)} points" if row.judged else
             "Not everything could be judged.", ""]
    lines += [row.remark, ""] if row.remark else []
    for lesson in dict.fromkeys(part.lesson for part in row.parts):
        one = row.of(lesson)
        lines += [f"## {lesson}", ""]
        if all(part.kind == NOTHING for part in one.parts):
            lines += [f"{NOTHING}: {one.parts[0].text.strip()}", ""]
            continue
        attempt = f" (of {row.attempts[lesson]}, which is the best)" if row.attempts.get(lesson) else ""
        lines += [f"{word(one.parts)}{attempt}. The page: lessons/{lesson}/README.md", ""]
        lines += ["| function | part | | points |", "|---|---|---|---|"]
        lines += [f"| {part.exercise} | {part.name} | {part.kind} | {number(part.points)} of {number(part.worth)} |"
                  for part in one.parts]
        lines.append("")
        for text in dict.fromkeys(part.text for part in one.parts if part.kind != DONE and part.text):
            about = dict.fromkeys(part.exercise for part in one.parts if part.text == text)
            lines += [f"{', '.join(about)}:", "", textwrap.indent(text, "    "), ""]
    return "\n".join(lines).rstrip() + "\n"
