"""The risk of an embedded Hadoop on a machine with several accounts.

With simple authentication Hadoop accepts any name, and its containers run with the account that
started it. So every account that reaches the loopback address can run programs as that account.
Kerberos does not close this, because WebHDFS accepts any name with it too.

The command line refuses to start as root without --allow-root, and prints the risk. Stronger
measures would cost what the embedded Hadoop is for: a network namespace needs privileges and hides
the web pages from the user's browser, and a change of account needs one that exists. A program that
uses `MiniHadoop` makes this decision itself. In docker-compose.yml such programs run in the
containers, not on the machine itself.
"""

from __future__ import annotations

import os
import pwd

from yarnhub.minihadoop.errors import RootError


def require_not_root(allow_root: bool) -> None:
    """Raise RootError if this process is root's and `allow_root` is false."""
    if os.geteuid() == 0 and not allow_root:
        raise RootError(
            "Every account on this machine could run programs as root through this Hadoop. Start "
            "it with another account, or use --allow-root if the machine has no other users."
        )


def risk() -> str:
    """Return the sentence about the risk that a start prints."""
    return (
        f"Every account on this machine can run programs as {_account()} through this Hadoop. "
        "Use it for tests only."
    )


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"the account {os.geteuid()}"
