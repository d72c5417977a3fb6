"""A git repository that another HDFS user has made runs nothing as the user who enters it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.mounts import Mount
from yarnspawner.container.mount import GIT_VARIABLES

#: An account that is not ours: files of it belong to another user of what stands for HDFS.
OTHER_UID = 61002

#: git without the configuration of the machine, in which a directory may be called safe.
GIT = ("env", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C")

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="gives files to another account")


@pytest.fixture
def trap(stored: Path) -> Path:
    """What the repository's configuration makes each `git status` do."""
    trap = stored / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {stored}/sprung\nprintf 'token\\0/'\n")
    trap.chmod(0o755)
    return trap


def make_repository(where: Path, trap: Path, *options: str, owner: int = OTHER_UID) -> None:
    """Make a repository that every user may write to, and give it to an account."""
    subprocess.run([*GIT, "git", "init", "--quiet", *options, where], check=True)
    configure = ["git", f"--git-dir={where if '--bare' in options else where / '.git'}", "config"]
    subprocess.run([*configure, "core.fsmonitor", trap], check=True)
    if "--bare" in options:
        subprocess.run([*configure, "core.worktree", where], check=True)
        subprocess.run([*configure, "core.bare", "false"], check=True)
    for path in (where, *where.rglob("*")):
        os.chown(path, owner, owner)
        path.chmod(0o777)


def status(mount: Mount, folder: Path, *variables: str) -> str:
    """Return what `git status` prints in a directory."""
    command = mount.command(folder, *GIT, *variables, "git", "status", "--short")
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    return done.stdout + done.stderr


def test_git_runs_nothing_that_another_users_repository_configures(
    mount: Mount, folder: Path, stored: Path, trap: Path
) -> None:
    make_repository(stored / "repository", trap)
    assert "dubious ownership" in status(mount, folder / "repository")
    assert not (stored / "sprung").exists()


def test_git_runs_nothing_of_a_repository_that_a_file_names(
    mount: Mount, folder: Path, stored: Path, trap: Path
) -> None:
    make_repository(stored / "repository", trap, f"--separate-git-dir={stored / 'elsewhere'}")
    link = stored / "repository" / ".git"
    link.write_text("gitdir: ../elsewhere")
    assert "dubious ownership" in status(mount, folder / "repository")
    assert not (stored / "sprung").exists()


def test_git_does_not_take_another_users_directory_for_a_repository(
    mount: Mount, folder: Path, stored: Path, trap: Path
) -> None:
    make_repository(stored / "data", trap, "--bare")
    variables = [f"{name}={value}" for name, value in GIT_VARIABLES.items()]
    assert "cannot use bare repository" in status(mount, folder / "data", *variables)
    assert not (stored / "sprung").exists()


def test_what_mercurial_checks_is_shown_as_another_users(folder: Path, stored: Path) -> None:
    (stored / "hgrc").write_text("[hooks]")
    os.chown(stored / "hgrc", OTHER_UID, OTHER_UID)
    assert (folder / "hgrc").stat().st_uid != os.getuid()
    assert (folder / "hgrc").read_text() == "[hooks]"


def test_git_works_in_the_users_own_repository(
    mount: Mount, folder: Path, stored: Path, trap: Path
) -> None:
    make_repository(stored / "repository", trap, owner=os.getuid())
    variables = [f"{name}={value}" for name, value in GIT_VARIABLES.items()]
    (folder / "repository" / "a").touch()
    assert status(mount, folder / "repository", *variables) == "?? a\n"
    assert (stored / "sprung").exists()
    mount.run(folder / "repository", "git", "add", "a")


def test_another_users_directory_can_be_written_if_hdfs_allows_it(
    folder: Path, stored: Path
) -> None:
    (stored / "project").mkdir(0o777)
    os.chown(stored / "project", OTHER_UID, OTHER_UID)
    (folder / "project" / "a").write_text("1")
    assert (folder / "project").stat().st_uid == os.getuid()
    assert (stored / "project" / "a").read_text() == "1"
