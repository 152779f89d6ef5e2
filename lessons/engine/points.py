"""How many points a function is worth."""

from lessons.engine import course, tables
from tinysegnet.support.errors import InputError


def read(path):
    """{(lesson, function): points} of a CSV file with the columns lesson, function, points. Raises InputError."""
    lessons, functions, points = {}, {}, {}
    for lesson in course.lessons():
        lessons |= {lesson.name[:2]: lesson, lesson.name: lesson}
    for line, row in tables.read(path, ("lesson", "function", "points")):
        where, lesson = f"line {line} of {path}", lessons.get(row["lesson"].zfill(2))
        lesson = lesson or course.lesson_of(row["lesson"])
        if not lesson:
            raise InputError(f"{where}: there is no lesson {row['lesson']}: give two digits, as in 02")
        if lesson not in functions:
            functions[lesson] = [exercise.name for exercise in course.exercises(lesson)]
        key = lesson.name, row["function"]
        if row["function"] not in functions[lesson]:
            raise InputError(f"{where}: {lesson.name} has no function {row['function']}: choose of "
                             f"{', '.join(functions[lesson])}")
        if key in points:
            raise InputError(f"{where}: {row['function']} has points already")
        points[key] = as_number(row["points"], where)
    return points


def as_number(text, where):
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e6:
        raise InputError(f"{where}: {text!r} is no number of points")
    return number


def weighted(parts, points):
    """The Parts with what they are worth: those of a function share its points; 1 each if it has none."""
    count = {}
    for part in parts:
        count[part.lesson, part.exercise] = count.get((part.lesson, part.exercise), 0) + 1

    def worth(part):
        key = part.lesson, part.exercise
        return points[key] / count[key] if key in points else 1

    return [part._replace(worth=worth(part)) for part in parts]
