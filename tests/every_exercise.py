"""All exercises of the course by one name each."""

from lessons.engine import course

# Where two lessons ask for functions of one name, what that of the later is called here.
OTHER_NAMES = {("17_tape", "backward"): "tape_backward"}


def by_name(exercises=None):
    """{name: Exercise}, of pairs of a lesson's name and an exercise, by default all. Fails if a name is there twice."""
    if exercises is None:
        modules = [(lesson.name, course.load(lesson / "test_exercise.py")) for lesson in course.lessons()]
        exercises = [(lesson, exercise) for lesson, module in modules for exercise in module.EXERCISES]
    found, lesson_of = {}, {}
    for lesson, exercise in exercises:
        name = OTHER_NAMES.get((lesson, exercise.name), exercise.name)
        assert name not in found, (
            f"{lesson_of[name]} and {lesson} both have an exercise {name}: "
            "give one of them another name in OTHER_NAMES of tests/every_exercise.py"
        )
        found[name], lesson_of[name] = exercise, lesson
    return found
