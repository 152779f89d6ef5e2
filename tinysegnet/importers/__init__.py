"""Other tools' formats, one a file, each with a function `read`, and what they share.

`read(source, classes_file, notes)` returns {name: colour or None} of the classes, in the order of their labels, and a
list of Samples. It enters what it must leave out into the doctor's Notes, and raises InputError if SOURCE is of another
layout. LAYOUT says in the help of the command which files it looks for.

Shared are sample.py, finding.py (files), classes.py (names, colours, masks), json_files.py, drawing.py (polygons);
writing.py makes the folder, dealing.py chooses val, and misspelt.py finds names that may be one.
"""
