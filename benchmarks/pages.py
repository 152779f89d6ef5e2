"""The pages of results/: what a benchmark measured with its usual settings."""

from pathlib import Path


def place(results, parser, args, free=("data",)):
    """The folder that a page belongs in: `results`; or runs/, which is for whatever is tried, if an option is not the
    usual one, so that the page of results/ stays.

    free  options of which a page has any value, and says which
    """
    others = [name for name, value in vars(args).items() if name not in free and value != parser.get_default(name)]
    if not others:
        return results
    runs = Path("runs")
    runs.mkdir(exist_ok=True)
    print(f"With another --{others[0].replace('_', '-')} than usual: this page goes to runs/")
    return runs
