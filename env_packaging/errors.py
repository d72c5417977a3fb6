"""The errors of this package as a tree, with their exit codes.

    PackagingError                    1
    ├── PrefixError                   3   the prefix cannot be packed as it is
    ├── MissingPackageError           3   a package or program that packing needs is missing
    ├── ReferenceFormatError          2   a malformed name, alias or key
    ├── EnvironmentNotFoundError      4   no environment of that name, alias or key is published
    ├── EnvironmentInUseError         5   the environment to remove is in use
    ├── UnsafeEnvironmentError        5   published, but must not be used: open to tampering
    │   └── DamagedEnvironmentError   5   or different from its manifest
    └── StorageError                  6   HDFS refused an operation or did not answer

Each message is complete for a user: what failed, why, and what to do. The exit codes are stable.
"""

from __future__ import annotations

__all__ = [
    "DamagedEnvironmentError",
    "EnvironmentInUseError",
    "EnvironmentNotFoundError",
    "MissingPackageError",
    "PackagingError",
    "PrefixError",
    "ReferenceFormatError",
    "StorageError",
    "UnsafeEnvironmentError",
]


class PackagingError(Exception):
    """The base of all errors of this package."""

    exit_code = 1


class PrefixError(PackagingError):
    """The prefix cannot be packed as it is."""

    exit_code = 3


class MissingPackageError(PackagingError):
    """A Python package or a program that packing needs is missing on this machine."""

    exit_code = 3


class ReferenceFormatError(PackagingError):
    """A name, alias or key is malformed."""

    exit_code = 2


class EnvironmentNotFoundError(PackagingError):
    """No environment of that name, alias or key is published."""

    exit_code = 4


class EnvironmentInUseError(PackagingError):
    """An alias or an application needs the environment to remove."""

    exit_code = 5


class UnsafeEnvironmentError(PackagingError):
    """A published environment must not be used, because the wrong users could change it."""

    exit_code = 5


class DamagedEnvironmentError(UnsafeEnvironmentError):
    """A published environment differs from its manifest, or its manifest cannot be read.

    Publishing the same content again repairs it.
    """


class StorageError(PackagingError):
    """HDFS refused an operation or did not answer."""

    exit_code = 6
