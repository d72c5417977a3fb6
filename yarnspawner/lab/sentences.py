"""What users read about their server's memory. Pure."""

from __future__ import annotations

from yarnspawner.lab.guard import KernelEnd

_MIB, _GIB = 1 << 20, 1 << 30


def amount(size: int) -> str:
    """Return an amount of memory in bytes in the user's units, such as `1.5 GiB`."""
    if size < _GIB:
        return f"{round(size / _MIB)} MiB"
    return f"{size / _GIB:.1f}".removesuffix(".0") + " GiB"


def kernel_end(end: KernelEnd, title: str) -> str:
    """Return why a kernel was ended, and what to do. `title` is its notebook's path; empty without
    a notebook.

    JupyterLab shows no more than the first sentence in its corner.
    """
    what = f"The kernel of {title}" if title else "A kernel" if end.kernel else "A program"
    lost = "The values of its variables are lost. " if end.kernel else ""
    return (
        f"{what} was ended, because it used {amount(end.resident)} of the server's "
        f"{amount(end.limit)} of memory. {amount(end.used)} were in use in all. {lost}Load less "
        "data at once, or start the server with more memory."
    )
