"""Commands that run a Python module, and import nothing from the directory that they run in.

`python -m` and `python -c` search the working directory first, before the standard library. Another
account may have put a module there, in /tmp for example. Python's option -P prevents this, but only
since 3.11. Its option -I also ignores PYTHONPATH and the user's own packages.
"""

from __future__ import annotations

#: Takes off the path what stands for the working directory. The module sys is built in.
LEAVE_OUT_DIRECTORY = "import sys; sys.path[:] = filter(None, sys.path); "

#: Runs the module with this name as `python -m` does.
RUN_MODULE = "import runpy; runpy.run_module({!r}, run_name='__main__', alter_sys=True)"


def module_command(python: str, module: str, *arguments: str) -> list[str]:
    """Return a command that runs a module as `python -m` does, without the working directory.

    The directory stays on the path if PYTHONPATH names it.
    """
    return [python, "-c", LEAVE_OUT_DIRECTORY + RUN_MODULE.format(module), *arguments]
