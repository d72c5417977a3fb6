"""Limits of YARN and of Linux that a launch is checked against before its submit. Pure.

YARN and the node would refuse such a launch too, but later and in other words.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hadoop_client.configuration import Configuration
from hadoop_client.wire import WireError
from hadoop_client.yarn.records import ApplicationSubmissionContext, Resource
from yarnspawner.failures import OptionsError
from yarnspawner.launch.amounts import MEMORY, VCORES, amount_text
from yarnspawner.launch.spec import LaunchSpec, LocalizedFile

#: Linux's limit of one variable with its name and a terminating NUL (MAX_ARG_STRLEN).
MOST_VARIABLE_BYTES = 128 << 10

#: Linux's limit of all variables and arguments together, with its default stack of 8 MiB.
MOST_VARIABLES_BYTES = 2 << 20

#: Room for the node's own variables and for the server's arguments.
OTHER_VARIABLES_BYTES = 64 << 10

#: Room for what the ResourceManager adds to a submission before it stores it.
STORED_BESIDES_BYTES = 4 << 10

#: What the node's launch script, in which texts are between double quotes, would not take as text.
_UNSAFE = re.compile(r'["$`\\\x00-\x1f\x7f]')

MAX_TAGS = "yarn.resourcemanager.application.max-tags"
MAX_TAG_LENGTH = "yarn.resourcemanager.application.max-tag.length"
MAX_RPC_BYTES = "ipc.maximum.data.length"
STORE = "yarn.resourcemanager.store.class"
MAX_STORED_BYTES = "yarn.resourcemanager.zk-max-znode-size.bytes"


@dataclass(frozen=True)
class SubmissionLimits:
    """The cluster's limits of a submission; `size_property` sets `size_bytes`."""

    tags: int = 10
    tag_characters: int = 100
    size_bytes: int = 64 << 20
    size_property: str = MAX_RPC_BYTES

    @classmethod
    def of(cls, configuration: Configuration) -> SubmissionLimits:
        """Read the limits, with Hadoop's defaults.

        The size of a stored submission is limited if the configuration names ZooKeeper as the
        store.
        """
        sizes = {MAX_RPC_BYTES: configuration.get_int(MAX_RPC_BYTES, cls.size_bytes)}
        if (configuration.get(STORE) or "").endswith(".ZKRMStateStore"):
            sizes[MAX_STORED_BYTES] = configuration.get_int(MAX_STORED_BYTES, 1 << 20)
        smallest = min(sizes, key=lambda name: sizes[name])
        return cls(
            configuration.get_int(MAX_TAGS, cls.tags),
            configuration.get_int(MAX_TAG_LENGTH, cls.tag_characters),
            sizes[smallest],
            smallest,
        )


def check_tags(tags: tuple[str, ...], limits: SubmissionLimits) -> None:
    """Refuse more or other tags than YARN accepts; raises `OptionsError`."""
    if len(tags) > limits.tags:
        raise OptionsError(
            f"The application has {len(tags)} tags, but YARN accepts {limits.tags} ({MAX_TAGS}). "
            "Ask an administrator to remove some (c.YarnSpawner.tags)."
        )
    for tag in tags:
        if not tag.isascii():
            raise OptionsError(
                f"The tag {tag!r} has characters outside of ASCII, which YARN does not accept. Ask "
                "an administrator to change it (c.YarnSpawner.tags)."
            )
        if len(tag) > limits.tag_characters:
            raise OptionsError(
                f"The tag {tag!r} is longer than YARN accepts, which is {limits.tag_characters} "
                f"characters ({MAX_TAG_LENGTH}). Ask an administrator to shorten it "
                "(c.YarnSpawner.tags)."
            )


def check_files(files: Iterable[LocalizedFile]) -> None:
    """Refuse file names that the node's launch script would run; raises `OptionsError`.

    The NodeManager writes them between double quotes and escapes nothing (Hadoop's
    ContainerLaunch.UnixShellScriptBuilder).
    """
    for file in files:
        for name in (posixpath.basename(file.url.file), file.link):
            if _UNSAFE.search(name):
                raise OptionsError(
                    f"The file {name!a} cannot be fetched by YARN: its name has a quotation mark, "
                    "a dollar sign, a backtick, a backslash or a control character. Ask an "
                    "administrator to rename it."
                )


def check_environment(environment: Mapping[str, str]) -> None:
    """Refuse variables for YARN that the node's launch script would run; raises `OptionsError`."""
    for name, value in environment.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or _UNSAFE.search(value):
            raise OptionsError(
                f"The variable {name!a} cannot be given to YARN: its name must be letters, digits "
                "and underscores, and its value must not have a quotation mark, a dollar sign, a "
                "backtick, a backslash or a control character. Ask an administrator to correct it "
                "(c.YarnSpawner.modify_spec_hook)."
            )


def check_variables(variables: Mapping[str, str]) -> None:
    """Refuse variables that Linux does not pass on to the server; raises `OptionsError`."""
    total = 0
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise _wrong_variable(name, "has a name or a value that no process can have")
        try:
            size = len(os.fsencode(f"{name}={value}")) + 1
        except UnicodeEncodeError:
            raise _wrong_variable(name, "is not text that can be encoded") from None
        if size > MOST_VARIABLE_BYTES:
            raise _wrong_variable(
                name,
                f"is longer than {MOST_VARIABLE_BYTES >> 10} KiB, which Linux does not allow",
            )
        total += size + 8  # Linux counts the pointer too.
    if total > MOST_VARIABLES_BYTES - OTHER_VARIABLES_BYTES:
        raise OptionsError(
            f"The server's environment variables have {total >> 10} KiB together. Linux allows "
            f"{MOST_VARIABLES_BYTES >> 20} MiB, the node's own included. Ask an administrator to "
            "remove some (c.YarnSpawner.environment)."
        )


def _wrong_variable(name: str, problem: str) -> OptionsError:
    return OptionsError(
        f"The server's environment variable {name!a} {problem}. Ask an administrator to correct it "
        "(c.YarnSpawner.environment)."
    )


def check_resources(spec: LaunchSpec, maximum: Resource) -> None:
    """Refuse more than the cluster gives one container: YARN would let it wait forever."""
    _check_amount(MEMORY, spec.memory_mb, maximum.memory_mb)
    _check_amount(VCORES, spec.vcores, maximum.vcores)
    for name, amount in spec.resources.items():
        _check_amount(name, amount, maximum.amount(name))


def _check_amount(name: str, amount: int, most: int) -> None:
    if amount > most:
        raise OptionsError(
            f"The server requests {amount_text(name, amount)}, but this cluster gives at most "
            f"{amount_text(name, most)} to one container. Request less."
        )


def check_submission(context: ApplicationSubmissionContext, limits: SubmissionLimits) -> None:
    """Refuse what cannot be sent to the ResourceManager or stored there; raises `OptionsError`."""
    try:
        size = len(context.encode()) + STORED_BESIDES_BYTES
    except WireError as error:
        raise OptionsError(
            f"The application cannot be submitted to YARN: {error}. Ask an administrator to "
            "correct the option or the name that has this value."
        ) from error
    if size > limits.size_bytes:
        raise OptionsError(
            f"The server's launch has {size >> 10} KiB, but YARN accepts {limits.size_bytes >> 10} "
            f"KiB ({limits.size_property}). Ask an administrator to shorten "
            "c.YarnSpawner.environment and the local files of c.YarnSpawner.localize_files."
        )
