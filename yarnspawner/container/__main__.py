"""The payload's entry point: the application master, or one of its children.

The children are the server and the process that fetches new tokens. Each process imports its own
part only, so that the application master stays small while the server runs.
"""

import os
import sys


def main() -> int:
    """Run the part that the first argument names; returns the exit code."""
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
