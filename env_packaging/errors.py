"""What can go wrong, as a tree, with the exit codes.

    PackagingError              1
    ├── PrefixError             3   what was to be packed can't be packed as it is
    ├── MissingPackageError          3   a Python package that packing needs can't be imported
    ├── ReferenceFormatError    2   a name, alias or key that can't be one
    ├── EnvironmentNotFoundError       4   nothing of that name, alias or key is published
    ├── EnvironmentInUseError        5   what was to be removed is needed
    ├── UnsafeEnvironmentError       5   published, but must not be used: open to tampering
    │   └── DamagedEnvironment  5   or not what its manifest says
    └── StorageError            6   HDFS refused or did not answer

The text of each is one sentence for a person; the exit codes are stable.
"""

from __future__ import annotations


class PackagingError(Exception):
    """The base of all errors of this package."""

    exit_code = 1


class PrefixError(PackagingError):
    """The environment that was to be packed can't be packed as it is."""

    exit_code = 3


class MissingPackageError(PackagingError):
    """A Python package that packing needs can't be imported where the packer runs."""

    exit_code = 3


class ReferenceFormatError(PackagingError):
    """A name, alias or key has a form that none can have."""

    exit_code = 2


class EnvironmentNotFoundError(PackagingError):
    """No environment of that name, alias or key is published."""

    exit_code = 4


class EnvironmentInUseError(PackagingError):
    """An alias or an application needs the environment that was to be removed."""

    exit_code = 5


class UnsafeEnvironmentError(PackagingError):
    """A published environment must not be used, as people can change it who should not."""

    exit_code = 5


class DamagedEnvironment(UnsafeEnvironmentError):
    """A published environment is not what its manifest says, or has none that can be read. To
    publish the same content again mends it."""


class StorageError(PackagingError):
    """HDFS refused an operation or did not answer."""

    exit_code = 6
