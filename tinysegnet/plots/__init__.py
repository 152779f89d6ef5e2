"""Pictures of a run, and of what a network sees: plots.figures, plots.overlay, plots.contact_sheet."""

from importlib import import_module


def __getattr__(name):
    """That module, when something is first drawn: Matplotlib takes longer to import than all the rest, and whoever has
    mistyped an option need not wait for it."""
    if name in ("contact_sheet", "figures", "names", "overlay"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"{__name__} has no module {name}")
