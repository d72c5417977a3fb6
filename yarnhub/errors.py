"""Errors that `yarnhub` reports as one line on stderr, each with its exit code.

ToolError                 1  the command failed
├── ServerNotFoundError   4  the user has no such server on YARN
└── YarnError             6  YARN refused, did not answer, or is not configured
"""

from __future__ import annotations


class ToolError(Exception):
    """A command failed. The message says why, and what to do."""

    exit_code = 1


class ServerNotFoundError(ToolError):
    """The user has no server of this name on YARN."""

    exit_code = 4


class YarnError(ToolError):
    """YARN refused a request, did not answer, or is not configured."""

    exit_code = 6
