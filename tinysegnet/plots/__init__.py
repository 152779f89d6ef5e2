"""Pictures of a run, and of what a network sees: plots.figures, plots.overlay, plots.contact_sheet."""

from importlib import import_module


def __getattr__(name):
    """Import one of the modules when it is first used: Matplotlib takes longer than all the rest, and whoever has
    mistyped an option need not wait for it."""
    if name in ("contact_sheet", "figures", "overlay"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"{__name__} has no module {name}")
