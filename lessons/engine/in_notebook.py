"""What the cells of a lesson's notebook call: `check` and `hint`. See lessons/notebook.py.

The judge reads files. So what was run in the notebook is put into the learner's, mine/NN_slug.py, where all else of the
course finds it too, and a process of its own judges that, in which nothing is left of the one before.
"""

import ast
import subprocess
import symtable
import sys
from contextlib import suppress

from lessons.engine import course
from lessons.engine.standing import copy_beside, find
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError

ALL_OF = "all of"       # what `from MODULE import *` binds: nobody can tell who uses it


def of(name):
    """check and hint for a lesson."""
    lesson = find(name)
    asked = functions(lesson)

    def check(function=""):
        """Put what was written in this notebook into the learner's file, and print the verdicts on a function, or on
        all of the lesson."""
        if unknown(function):
            return
        cells = get_ipython().history_manager.input_hist_parsed  # noqa: F821  Jupyter's
        written = definitions(cells, asked)
        if function and function not in written:
            print(f"run the cell of {function} first")
            return
        try:
            copy = keep(lesson, needed([name for name in asked if name in written], written))
        except InputError as error:
            print(f"error: {error}")
            return
        if copy:
            mine = f"mine/{course.own_file(lesson).name}"
            print(f"{mine} was not as this notebook had left it: that is in mine/{copy.name} now\n")
        say("pytest", "--color=no", f"lessons/{lesson.name}" + (f"::{function}" if function else ""))

    def hint(function=""):
        """Print the next of three hints for a function, or which functions there are."""
        if not unknown(function):
            say("lessons", "hint", lesson.name, *([function] if function else []))

    def unknown(function):
        if function and function not in asked:
            print(f"{lesson.name} does not ask for {function!r}: choose {', '.join(asked)}")
        return function and function not in asked

    return check, hint


def say(*words):
    """Print what a module says that is run in the folder of the repository."""
    command = [sys.executable, "-m", *words]
    process = subprocess.run(command, cwd=course.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", check=False)
    print(process.stdout.strip("\n"))


def functions(lesson):
    """The names of the functions that a lesson asks for, in the order of its stubs."""
    stubs = ast.parse((lesson / "exercise.py").read_text(encoding="utf-8")).body
    return [node.name for node in stubs if isinstance(node, ast.FunctionDef)]


def bound(node):
    """The names that a statement gives to functions, classes, modules and what is imported, or to constants: an
    assignment to a name in small letters is an experiment, and none."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            whole = f"{ALL_OF} {getattr(node, 'module', None)}"
            return {whole if one.name == "*" else one.asname or one.name.partition(".")[0] for one in node.names}
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
            return names if isinstance(node.value, ast.Lambda) or all(map(str.isupper, names)) else set()
    return set()


def lines_of(node):
    """The first line of a statement, counted from 0, with its decorators, and the one after its last."""
    return min(one.lineno for one in [node, *getattr(node, "decorator_list", [])]) - 1, node.end_lineno


def below_magic(cell):
    """What a cell has below a line such as %%time, of which Jupyter makes a call."""
    with suppress(SyntaxError):
        match ast.parse(cell).body:
            case [ast.Expr(ast.Call(func=ast.Attribute(attr="run_cell_magic"), args=[_, _, ast.Constant(str(text))]))]:
                return text
    return cell


def definitions(cells, asked=()):
    """{name: the statement that bound it last}, from the cells that were run. What is asked for must be written by a
    def: the examples of a page import the library's."""
    found = {}
    for cell in map(below_magic, cells):
        with suppress(SyntaxError):
            nodes = ast.parse(cell).body
            for node, after in zip(nodes, [*nodes[1:], None]):
                begin, end = lines_of(node)
                text = "\n".join(cell.split("\n")[begin:end])
                if node.col_offset or (after and after.col_offset):         # they share a line: A = 1; B = 2
                    text = ast.get_source_segment(cell, node)
                names = bound(node) if isinstance(node, ast.FunctionDef) else bound(node) - {*asked}
                found |= dict.fromkeys(names, text)
    return found


def used(statement):
    """The names that a statement takes from the module around it."""
    tables, names = [symtable.symtable(statement, "cell", "exec")], set()
    while tables:
        table = tables.pop()
        here = table.get_type() == "module"
        names |= {one.get_name() for one in table.get_symbols() if one.is_referenced() and (here or one.is_global())}
        tables += table.get_children()
    return names


def needed(names, written):
    """The statements that bind these names, each after those that bind what it uses."""
    statements, seen = {}, set()

    def add(name):
        if name in written and name not in seen:
            seen.add(name)
            for other in sorted(used(written[name])):
                add(other)
            statements[written[name]] = None

    for name in [*(name for name in written if name.startswith(ALL_OF)), *names]:
        add(name)
    return [*statements]


def merged(text, statements):
    """A file's text in which statements take the place of those that bind the same names. Those that bind others stand
    before its first function; but what is computed when the file is read, after what it is computed from."""
    lines, nodes = text.split("\n"), ast.parse(text).body
    first = next((i for i, node in enumerate(nodes) if is_definition(node)), len(nodes))
    head = nodes[first - 1].end_lineno if first else 0
    instead = {frozenset(bound(ast.parse(statement).body[0])): statement for statement in statements}
    source_of = {name: ast.get_source_segment(text, node) for node in nodes for name in bound(node)}
    source_of |= {name: statement for names, statement in instead.items() for name in names}
    ends = {name: row[-1].end_lineno for row in rows_of(nodes) for node in row for name in bound(node)}
    edits, new = [], {head: []}
    for row in reversed(rows_of(nodes)):                # of two that bind a name the last counts
        if any(frozenset(bound(node)) in instead for node in row):
            texts = [instead.pop(frozenset(bound(node)), None) or ast.get_source_segment(text, node)
                     for node in reversed(row)]
            edits.append((lines_of(row[0])[0], row[-1].end_lineno, texts[::-1]))
    for statement in instead.values():
        if is_definition(ast.parse(statement).body[0]):
            new[head] += ["", "", statement]
        else:
            needs = [ends[name] for name in reached(statement, source_of) if name in ends]
            new.setdefault(max([head, *needs]), []).append(statement)
    if new[head] and first and isinstance(nodes[first - 1], ast.Expr):      # a docstring
        new[head].insert(0, "")
    for begin, end, texts in sorted([*edits, *((place, place, texts) for place, texts in new.items())], reverse=True):
        lines[begin:end] = texts
    return "\n".join(lines)


def is_definition(node):
    return isinstance(node, ast.FunctionDef | ast.ClassDef)


def rows_of(nodes):
    """The statements that share lines, together: A = 1; B = 2."""
    rows = []
    for node in nodes:
        if rows and lines_of(node)[0] < rows[-1][-1].end_lineno:
            rows[-1].append(node)
        else:
            rows.append([node])
    return rows


def reached(statement, source_of):
    """The names that a statement uses, and those that are used by what binds these, {name: source}."""
    found, ahead = set(), [statement]
    while ahead:
        new = used(ahead.pop()) - found
        found |= new
        ahead += [source_of[name] for name in new if name in source_of]
    return found


def own_text(lesson):
    """The text of the learner's file, "" if there is none. Raises InputError if it is no Python."""
    path = course.own_file(lesson)
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""    # some editors begin with a mark
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)           # none if it is not read, or has null bytes, as in UTF-16
        where = f"in line {line}" if line else "in UTF-8"
        raise InputError(f"mine/{path.name} is no Python {where}: mend it, or begin again by  python -m lessons reset "
                         f"{lesson.name[:2]}") from error
    return text


def keep(lesson, statements):
    """Put statements into the learner's file. Returns the path of a copy of what it was, if another hand than a
    notebook's had written that, None otherwise. Raises InputError if it cannot be read or written."""
    path, kept, slug = course.my_file(lesson), course.remembered().get("notebook", {}), course.slug(lesson.name)
    text = own_text(lesson)
    content = merged(text, statements)
    if content == text:
        return None
    stubs = (lesson / "exercise.py").read_text(encoding="utf-8")
    copy = None if text == stubs or kept.get(slug) == course.own_state(lesson) else copy_beside(path)
    atomic.write(path, content.encode())
    course.remember(notebook=kept | {slug: course.own_state(lesson)})
    return copy
