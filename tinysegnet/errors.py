"""The one error that is the user's to mend."""

import sys


class InputError(Exception):
    """A file, an option or a machine is not as it must be; the message is one sentence that says what to do.

    The command line prints that sentence alone and exits with code 2.
    """


def exit_in_words(main):
    """Run main(); if it raises InputError, print its sentence alone to stderr and exit with code 2."""
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
