"""The payload's entry point: the application master, or one of its children.

The children are the server and the process that fetches new tokens. Each process imports its own
part only, so that the application master stays small while the server runs.

This module must also be readable by Pythons that are too old for the others, down to 2.7.
"""

import os
import sys

#: The oldest Python that the other modules run on.
OLDEST_PYTHON = (3, 8)


def main():  # type: () -> int  # noqa: ANN201 - Python 2.7 reads no annotation
    """Run the part that the first argument names; returns the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        found, oldest = sys.version_info[:2], OLDEST_PYTHON
        sys.exit(
            "The notebook server could not be started: its Python, %s, is version %d.%d, and %d.%d "  # noqa: UP031
            "or later is needed. Ask an administrator to set c.YarnSpawner.python_env."
            % (sys.executable, found[0], found[1], oldest[0], oldest[1])
        )
    if sys.argv[1:2] == ["singleuser"]:
        from yarnspawner.container import singleuser

        return singleuser.main(sys.argv[2:])
    if sys.argv[1:2] == ["tokens"]:
        from yarnspawner.container import tokens

        return tokens.main(os.path.abspath(sys.argv[0]))  # noqa: PTH100
    from yarnspawner.container import application_master

    return application_master.main(os.path.abspath(sys.argv[0]))  # noqa: PTH100


if __name__ == "__main__":
    sys.exit(main())
