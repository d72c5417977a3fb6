"""Restoring and saving a session, with a local directory instead of HDFS."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hdfs_contents
from hadoop_client.hdfs.paths import join, temporary_beside
from hdfs_contents.paths import normalize_root
from hdfs_contents.session.app import Session
from hdfs_contents.session.archive import ArchiveLimits, SessionItem
from hdfs_contents.session.store import SessionStore, file_name
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.hdfs_contents.manager.interrupted import InterruptedFileSystem

DIRECTORY = "/user/alice/.yarnhub/session"
DEFAULT = f"{DIRECTORY}/default.tar.gz"


@pytest.fixture
def fs(tmp_path: Path) -> LocalFileSystem:
    directory = tmp_path / "hdfs"
    directory.mkdir()
    return LocalFileSystem(directory)


@pytest.fixture
def session(fs: LocalFileSystem, tmp_path: Path) -> Callable[..., Session]:
    """`session(home, server)`: the session of a server with that home."""

    def make(home: str, server: str = "", limits: ArchiveLimits | None = None) -> Session:
        places = (SessionItem("settings", tmp_path / home, is_directory=True),)
        store = SessionStore(DIRECTORY, server, lambda: fs)
        log = logging.getLogger("session")
        return Session(store, places, limits or ArchiveLimits(10_000, 10_000), log)

    return make


def set_theme(home: Path, theme: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "theme").write_text(theme)


def theme(home: Path) -> str | None:
    return (home / "theme").read_text() if home.exists() else None


def away(_path: str) -> None:
    raise ConnectionError(errno.ECONNREFUSED, "the NameNode can't be reached")


def test_a_server_restores_the_session_that_another_saved(
    session: Callable[..., Session], fs: LocalFileSystem, tmp_path: Path
) -> None:
    set_theme(tmp_path / "one", "dark")
    session("one").save()
    session("two").restore()
    assert theme(tmp_path / "two") == "dark"
    assert fs.files() == [DEFAULT]
    assert fs.stat(DEFAULT).mode == 0o600
    assert fs.stat(DIRECTORY).mode == 0o700
    assert fs.stat(DIRECTORY.rpartition("/")[0]).mode == 0o700


def test_an_unchanged_session_is_not_written_again(
    session: Callable[..., Session], fs: LocalFileSystem, tmp_path: Path
) -> None:
    session("empty").save()
    assert fs.calls == []
    set_theme(tmp_path / "one", "dark")
    one, two = session("one"), session("two")
    one.save()
    fs.calls.clear()
    one.save()
    os.utime(tmp_path / "one/theme")
    one.save()
    two.restore()
    two.save()
    assert fs.calls == []


def test_each_server_has_an_archive_and_a_new_one_starts_from_the_default_servers(
    session: Callable[..., Session], tmp_path: Path
) -> None:
    set_theme(tmp_path / "default", "dark")
    session("default").save()
    named = session("named", "gpu")
    named.restore()
    assert theme(tmp_path / "named") == "dark"
    set_theme(tmp_path / "named", "light")
    named.save()
    for home, server, expected in (("a", "", "dark"), ("b", "gpu", "light"), ("c", "x", "dark")):
        session(home, server).restore()
        assert theme(tmp_path / home) == expected


@given(servers=st.sets(st.text(st.characters(blacklist_categories=("Cs",))), max_size=4))
def test_servers_of_any_name_have_different_files_in_the_directory(servers: set[str]) -> None:
    files = {file_name(server) for server in servers | {"", "default"}}
    assert len(files) == len(servers | {"", "default"})
    for name in files:
        assert normalize_root(join(DIRECTORY, name)) == f"{DIRECTORY}/{name}"
        assert len(name.encode()) < 255


def test_a_failed_save_keeps_the_last_archive_and_is_retried(
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_theme(tmp_path / "one", "dark")
    one = session("one")
    one.save()
    set_theme(tmp_path / "one", "light blue")
    fs.before["rename"] = away
    one.save()
    one.save()
    assert fs.files() == [DEFAULT]
    assert [record.getMessage() for record in caplog.records] == [
        "The session could not be saved: the NameNode can't be reached. It will be retried."
    ]
    session("two").restore()
    assert theme(tmp_path / "two") == "dark"
    fs.before.clear()
    one.save()
    session("three").restore()
    assert theme(tmp_path / "three") == "light blue"


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_database_that_cannot_be_read_now_stays_in_the_archive(
    fs: LocalFileSystem, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = tmp_path / "history"
    with closing(sqlite3.connect(history)) as database:
        database.execute("CREATE TABLE history (line TEXT)")
        database.execute("INSERT INTO history VALUES (?)", ["x" * 500_000])
        database.commit()
    store = SessionStore(DIRECTORY, "", lambda: fs)
    places = (SessionItem("history", history, is_database=True),)
    one = Session(store, places, ArchiveLimits(10**6, 10**6), logging.getLogger("session"))
    one.save()
    kept = fs.at(DEFAULT).read_bytes()
    os.utime(history, (0, 0))
    with no_file_larger_than(100_000):
        one.save()
    assert fs.at(DEFAULT).read_bytes() == kept
    assert [record.getMessage() for record in caplog.records] == [
        "The session could not be saved: history cannot be read now (disk I/O error). "
        "It will be retried."
    ]


def test_an_archive_that_lost_bytes_does_not_replace_the_last_one(
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_theme(tmp_path / "one", "dark")
    session("one").save()
    kept = fs.at(DEFAULT).read_bytes()

    def lose() -> None:
        (temporary,) = fs.at(DIRECTORY).glob(".saving-*")
        temporary.write_bytes(b"half")

    store = SessionStore(
        DIRECTORY, "", lambda: InterruptedFileSystem(fs, "close", lose, after=True)
    )
    places = (SessionItem("settings", tmp_path / "two", is_directory=True),)
    two = Session(store, places, ArchiveLimits(10_000, 10_000), logging.getLogger("session"))
    two.restore()
    set_theme(tmp_path / "two", "light")
    two.save()
    assert "HDFS has stored 4 of " in caplog.text
    assert fs.files() == [DEFAULT]
    assert fs.at(DEFAULT).read_bytes() == kept


def test_an_archive_of_which_hdfs_returns_a_part_is_not_damaged(
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_theme(tmp_path / "one", "dark")
    session("one").save()
    two = session("two")
    with monkeypatch.context() as patch:
        patch.setattr(fs, "open_read", lambda path: io.BytesIO(fs.at(path).read_bytes()[:-1]))
        two.restore()
    assert "could not be restored: HDFS has returned" in caplog.text
    assert fs.files() == [DEFAULT]
    two.save()
    assert theme(tmp_path / "two") == "dark"


def test_an_archive_that_could_not_be_read_is_not_overwritten_but_read_later(
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_theme(tmp_path / "one", "dark")
    session("one").save()
    two = session("two")
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(fs, "open_read", away)
        two.restore()
        set_theme(tmp_path / "two", "light")
        (tmp_path / "two/theme").rename(tmp_path / "two/font")
        two.save()
    assert len(caplog.records) == 1
    two.save()
    session("three").restore()
    kept = {path.name: path.read_text() for path in (tmp_path / "three").iterdir()}
    assert kept == {"theme": "dark", "font": "light"}


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        (DEFAULT, 0o644),
        (DEFAULT, 0o640),
        (DIRECTORY, 0o777),
        (DIRECTORY, 0o1777),
        (DIRECTORY, 0o770),
    ],
)
def test_an_archive_that_another_user_may_have_put_there_is_not_restored(
    path: str,
    mode: int,
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its secret would sign notebooks that this user trusts. Nothing is saved there either."""
    set_theme(tmp_path / "theirs", "dark")
    session("theirs").save()
    fs.at(path).chmod(mode)
    before = fs.at(DEFAULT).read_bytes()
    set_theme(tmp_path / "own", "light")
    own = session("own")
    (tmp_path / "own/theme").unlink()
    own.restore()
    assert not (tmp_path / "own/theme").exists()
    assert f"other users have access to {path}: run hdfs dfs -chmod" in caplog.text
    set_theme(tmp_path / "own", "light")
    own.save()
    assert fs.at(DEFAULT).read_bytes() == before
    fs.at(path).chmod(0o700 if path == DIRECTORY else 0o600)
    own.save()
    assert fs.at(DEFAULT).read_bytes() != before


@pytest.mark.parametrize("path", [DIRECTORY, DEFAULT])
def test_an_archive_of_another_user_is_not_restored_whatever_its_mode(
    path: str,
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The owner of a directory can put any file there. Nothing is saved there either."""
    set_theme(tmp_path / "theirs", "dark")
    session("theirs").save()
    before = fs.at(DEFAULT).read_bytes()
    fs.owners[path] = "mallory"
    own = session("own")
    own.restore()
    set_theme(tmp_path / "own", "light")
    own.save()
    assert theme(tmp_path / "own") == "light"
    assert fs.at(DEFAULT).read_bytes() == before
    (line,) = caplog.messages
    assert f"{path} belongs to mallory, who could have put anything there: delete it" in line


def test_an_archive_whose_owner_or_mode_changes_while_it_is_read_is_not_restored(
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another user may show one version to the check and another to the read."""
    set_theme(tmp_path / "theirs", "dark")
    session("theirs").save()
    for change in (
        lambda path: fs.at(path).chmod(0o644),
        lambda _path: fs.owners.update({DIRECTORY: "mallory"}),
    ):
        fs.before["read"] = change
        session("own").restore()
        assert theme(tmp_path / "own") is None
        fs.at(DEFAULT).chmod(0o600)
    assert "other users have access to" in caplog.text
    assert "belongs to mallory" in caplog.text


def test_an_archive_that_is_replaced_while_it_is_read_is_restored_later(
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_theme(tmp_path / "one", "dark")
    one = session("one")
    one.save()
    fs.before["read"] = lambda path: os.utime(fs.at(path), (0, 0))
    two = session("two")
    two.restore()
    assert theme(tmp_path / "two") is None
    assert "it was replaced while it was read. It will be retried." in caplog.text
    fs.before.clear()
    two.save()
    assert theme(tmp_path / "two") == "dark"


def test_nothing_is_saved_to_a_directory_of_another_user(fs: LocalFileSystem) -> None:
    fs.mkdirs(DIRECTORY, 0o755)
    fs.owners[DIRECTORY] = "mallory"
    store = SessionStore(DIRECTORY, "", lambda: fs)
    with pytest.raises(PermissionError, match=f"{DIRECTORY} belongs to mallory"):
        store.save(io.BytesIO(b"secret"))
    assert fs.files() == []


def test_nothing_is_saved_to_a_directory_that_others_can_write_to(
    session: Callable[..., Session], fs: LocalFileSystem, tmp_path: Path
) -> None:
    fs.mkdirs(DIRECTORY, 0o777)
    fs.at(DIRECTORY).chmod(0o777)
    set_theme(tmp_path / "one", "dark")
    session("one").save()
    assert fs.files() == []


@pytest.mark.parametrize("damage", [b"", b"no archive", "truncated", "too large"])
def test_a_damaged_archive_is_renamed_and_logged_in_one_line(
    damage: bytes | str,
    session: Callable[..., Session],
    fs: LocalFileSystem,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    set_theme(tmp_path / "one", "dark")
    session("one").save()
    whole = fs.at(DEFAULT).read_bytes()
    if damage == "truncated":
        damage = whole[:-9]
    elif damage == "too large":
        damage = b"\0" * 10_000_000
    fs.at(DEFAULT).write_bytes(damage)
    two = session("two")
    two.restore()
    (line,) = [record.getMessage() for record in caplog.records]
    (aside,) = fs.files()
    assert aside.startswith(f"{DEFAULT}.damaged-")
    assert aside in line
    assert fs.at(aside).read_bytes() == damage
    set_theme(tmp_path / "two", "dark")
    two.save()
    assert fs.at(DEFAULT).read_bytes() == whole


def test_the_default_servers_damaged_archive_is_left_for_it_to_rename(
    session: Callable[..., Session], fs: LocalFileSystem, tmp_path: Path
) -> None:
    fs.mkdirs(DIRECTORY, 0o700)
    fs.at(DEFAULT).write_bytes(b"no archive")
    fs.at(DEFAULT).chmod(0o600)
    named = session("named", "gpu")
    named.restore()
    assert fs.files() == [DEFAULT]
    set_theme(tmp_path / "named", "light")
    named.save()
    assert fs.files() == [DEFAULT, f"{DIRECTORY}/named-gpu.tar.gz"]


def test_files_that_are_left_out_are_logged_once(
    session: Callable[..., Session], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = session("one", limits=ArchiveLimits(10_000, 5))
    for text in ("x" * 6, "x" * 6):
        set_theme(tmp_path / "one", text)
        one.save()
        one.save()
    assert [record.getMessage() for record in caplog.records] == [
        "These files of the session are not saved: settings/theme (6 bytes)."
    ]


def test_files_of_interrupted_saves_are_deleted_but_not_of_running_ones(
    session: Callable[..., Session], fs: LocalFileSystem, tmp_path: Path
) -> None:
    fs.mkdirs(DIRECTORY)
    old, new = temporary_beside(DEFAULT), temporary_beside(DEFAULT)
    for path in (old, new, f"{DIRECTORY}/mine.tmp"):
        fs.at(path).write_bytes(b"")
    os.utime(fs.at(old), (time.time() - 7200,) * 2)
    os.utime(fs.at(f"{DIRECTORY}/mine.tmp"), (0, 0))
    set_theme(tmp_path / "one", "dark")
    session("one").save()
    assert fs.files() == sorted([new, DEFAULT, f"{DIRECTORY}/mine.tmp"])


def test_the_environments_configuration_names_the_extensions() -> None:
    path = Path(hdfs_contents.__file__).parent / "jupyter-config/hdfs_contents.json"
    names = json.loads(path.read_text())["ServerApp"]["jpserver_extensions"]
    points = [import_module(name)._jupyter_server_extension_points() for name in names]
    assert [point["module"] for (point,) in points] == list(names)
    assert points[0][0]["app"].enabled.default_value is False
