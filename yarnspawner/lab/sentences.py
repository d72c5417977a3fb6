"""What users read about their server's memory. Pure."""

from __future__ import annotations

from yarnspawner.lab.guard import KernelEnd
from yarnspawner.launch.amounts import memory_text


def kernel_end(end: KernelEnd, title: str) -> str:
    """Return why a kernel was ended, and what to do. `title` is its notebook's path; empty without
    a notebook.

    JupyterLab shows no more than the first sentence in its corner.
    """
    what = f"The kernel of {title}" if title else "A kernel" if end.kernel else "A program"
    lost = "The values of its variables are lost. " if end.kernel else ""
    resident, used, limit = (memory_text(size) for size in (end.resident, end.used, end.limit))
    return (
        f"{what} was ended, because it used {resident} of the server's {limit} of memory. {used} "
        f"were in use in all. {lost}Load less data at once, or start the server with more memory."
    )
