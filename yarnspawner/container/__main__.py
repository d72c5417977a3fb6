"""The program in the payload: the application master, or a child of it: the server, or what
fetches its new tokens.

Each process imports its own part only: the application master stays small while the server runs.
"""

import os
import sys


def main() -> int:
    """Run the part that the command line names."""
    if sys.argv[1:2] == ["singleuser"]:
        from yarnspawner.container import singleuser

        return singleuser.main(sys.argv[2:])
    if sys.argv[1:2] == ["tokens"]:
        from yarnspawner.container import tokens

        return tokens.main(*sys.argv[2:])
    from yarnspawner.container import application_master

    return application_master.main(os.path.abspath(sys.argv[0]))  # noqa: PTH100


if __name__ == "__main__":
    sys.exit(main())
