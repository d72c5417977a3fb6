"""What a start asked for, in the words of its user: kept with the server until its next start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from yarnspawner.launch.amounts import GPU
from yarnspawner.launch.arguments import option_value
from yarnspawner.launch.spec import LaunchSpec

#: The contents manager that keeps files in HDFS, and its option and default for the directory.
HDFS_CONTENTS = "hdfs_contents.HDFSContentsManager"
ROOT_OPTION, DEFAULT_ROOT = "HDFSContentsManager.root_dir_template", "{home}/notebooks"


@dataclass(frozen=True)
class StartSummary:
    """A start: `profile` is its display name, and empty without profiles. `memory_mb` is in MiB.

    `files` is the directory of the user's files in HDFS, and empty if the hub does not know it.
    `lifetime` and `max_lifetime` are in seconds from the submit; None for no limit, and if the user
    may not extend the lifetime.
    """

    profile: str = ""
    environment: str = ""
    queue: str = ""
    memory_mb: int = 0
    vcores: int = 0
    gpus: int = 0
    files: str = ""
    lifetime: int | None = None
    max_lifetime: int | None = None

    @classmethod
    def of(
        cls,
        spec: LaunchSpec,
        *,
        profile: str,
        environment: str,
        files: str,
        max_lifetime: int | None = None,
    ) -> StartSummary:
        """Summarize a start."""
        return cls(
            profile,
            environment,
            spec.queue,
            spec.memory_mb,
            spec.vcores,
            spec.resources.get(GPU, 0),
            files,
            spec.lifetime_seconds,
            max_lifetime,
        )

    def to_state(self) -> dict[str, object]:
        """Return the summary as the hub's database has it."""
        return asdict(self)

    @classmethod
    def of_state(cls, state: object) -> StartSummary:
        """Return the summary of a server's state; an empty one if this release does not read it."""
        try:
            return cls(**state) if isinstance(state, Mapping) else cls()
        except TypeError:
            return cls()


def files_directory(contents_manager: str, arguments: Sequence[str], home: str, user: str) -> str:
    """Return the directory in HDFS that the file browser shows; "" if the hub cannot know it."""
    if contents_manager != HDFS_CONTENTS:
        return ""
    template = option_value(arguments, ROOT_OPTION) or DEFAULT_ROOT
    try:
        return template.format(home=home, username=user)
    except (LookupError, ValueError, AttributeError):
        return ""
