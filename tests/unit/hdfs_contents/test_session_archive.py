"""Packing a session, and unpacking archives, damaged and malicious ones included."""

from __future__ import annotations

import errno
import gzip
import io
import os
import resource
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdfs_contents.session import archive
from hdfs_contents.session.archive import (
    MAX_FILES,
    ArchiveLimits,
    DamagedError,
    SessionItem,
    pack,
    stat_files,
    unpack,
)

PLENTY = ArchiveLimits(total=1_000_000, file=1_000_000)


def items_in(directory: Path) -> tuple[SessionItem, ...]:
    return (
        SessionItem("settings", directory / "settings", is_directory=True),
        SessionItem("secret", directory / "secret"),
        SessionItem("history", directory / "history", is_database=True),
    )


def packed(directory: Path, limits: ArchiveLimits = PLENTY) -> tuple[bytes, tuple[str, ...]]:
    archive = io.BytesIO()
    left_out = pack(items_in(directory), limits, archive)
    return archive.getvalue(), left_out


def unpacked(archive: bytes, directory: Path, limits: ArchiveLimits = PLENTY) -> dict[str, bytes]:
    unpack(io.BytesIO(archive), items_in(directory), limits)
    return contents(directory)


def contents(directory: Path) -> dict[str, bytes]:
    files = [path for path in directory.rglob("*") if not path.is_dir()]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def write(directory: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


def make_history(path: Path, *lines: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS history (line TEXT)")
        database.executemany("INSERT INTO history VALUES (?)", [(line,) for line in lines])
        database.commit()


def history_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [line for (line,) in database.execute("SELECT line FROM history")]


def archive_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def plain(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


@contextmanager
def no_more_open_files() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_one = os.dup(0)
    os.close(next_one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


names = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=40
).filter(lambda name: name not in (".", ".."))


@given(
    files=st.dictionaries(
        st.lists(names, min_size=1, max_size=3).map(tuple), st.binary(max_size=50), max_size=6
    )
)
def test_all_files_are_restored_for_their_owner_only(files: dict[tuple[str, ...], bytes]) -> None:
    wanted = {
        "/".join(("settings", *name)): content
        for name, content in files.items()
        if not any(name[:length] in files for length in range(1, len(name)))
    }
    with tempfile.TemporaryDirectory() as scratch:
        one, other = Path(scratch, "one"), Path(scratch, "other")
        write(one, wanted)
        assert unpacked(packed(one)[0], other) == wanted
        assert {(other / name).stat().st_mode & 0o777 for name in wanted} <= {0o600}
        assert packed(other) == packed(one)


def test_a_database_is_restored_as_of_the_last_transaction(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    make_history(one / "history", "1 + 1")
    with closing(sqlite3.connect(one / "history", isolation_level=None)) as kernel:
        kernel.execute("BEGIN IMMEDIATE")
        kernel.execute("INSERT INTO history VALUES ('half done')")
        unpacked(packed(one)[0], other)
    assert history_in(other / "history") == ["1 + 1"]


def test_a_write_ahead_log_belongs_to_its_database(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    make_history(one / "history", "1 + 1")
    with closing(sqlite3.connect(one / "history", isolation_level=None)) as kernel:
        kernel.execute("PRAGMA journal_mode = WAL")
        before = stat_files(items_in(one))
        kernel.execute("INSERT INTO history VALUES ('2 + 2')")
        assert stat_files(items_in(one)) != before
        unpacked(packed(one)[0], other)
    assert history_in(other / "history") == ["1 + 1", "2 + 2"]


def test_a_locked_database_is_a_temporary_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_BUSY_SECONDS", 0.1)
    make_history(tmp_path / "history", "1 + 1")
    with closing(sqlite3.connect(tmp_path / "history", isolation_level=None)) as kernel:
        kernel.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OSError, match="history is in use") as raised:
            packed(tmp_path)
    assert raised.value.errno == errno.EBUSY


def test_a_directory_that_cannot_be_read_now_is_a_temporary_error(tmp_path: Path) -> None:
    write(tmp_path, {"settings/a": b"1"})
    for call in (lambda: stat_files(items_in(tmp_path)), lambda: packed(tmp_path)):
        with no_more_open_files(), pytest.raises(OSError, match="Too many open files"):
            call()


def test_packing_a_restored_database_again_gives_the_same_archive(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    for line in ("1", "2", "3"):
        make_history(one / "history", line)
    archive, _ = packed(one)
    unpacked(archive, other)
    assert packed(other)[0] == archive


def test_statuses_differ_only_after_a_change(tmp_path: Path) -> None:
    write(tmp_path, {"settings/a": b"1", "secret": b"2"})
    seen = stat_files(items_in(tmp_path))
    assert stat_files(items_in(tmp_path)) == seen
    (tmp_path / "settings/a").write_bytes(b"12")
    changed = stat_files(items_in(tmp_path))
    (tmp_path / "settings/a").unlink()
    assert len({seen, changed, stat_files(items_in(tmp_path))}) == 3


@pytest.mark.parametrize(
    "limits", [ArchiveLimits(total=1000, file=10), ArchiveLimits(total=14, file=1000)]
)
def test_files_beyond_the_limits_are_left_out_by_name(
    limits: ArchiveLimits, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, {"settings/a": b"small", "settings/b": b"x" * 11, "secret": b"small too"})
    archive, left_out = packed(one, limits)
    assert left_out == ("settings/b (11 bytes)",)
    assert unpacked(archive, other, limits) == {"settings/a": b"small", "secret": b"small too"}


def test_the_first_files_of_too_many_are_kept(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, {f"settings/{number:05}": b"" for number in range(MAX_FILES)} | {"secret": b""})
    archive, left_out = packed(one)
    assert left_out == ("secret (0 bytes)",)
    assert len(unpacked(archive, other)) == MAX_FILES


def test_links_pipes_and_broken_databases_are_left_out(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, {"elsewhere": b"private", "history": b"this is not a database" * 100})
    (one / "settings").mkdir()
    (one / "settings/link").symlink_to(one / "elsewhere")
    os.mkfifo(one / "secret")
    archive, left_out = packed(one)
    assert left_out == ("history (file is not a database)",)
    assert unpacked(archive, other) == {}


def test_an_existing_file_is_not_replaced(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write(one, {"settings/a": b"kept", "secret": b"kept"})
    write(other, {"secret": b"newer"})
    assert unpacked(packed(one)[0], other) == {"settings/a": b"kept", "secret": b"newer"}


def test_members_of_another_version_are_ignored(tmp_path: Path) -> None:
    archive = archive_of(plain("theme/dark"), plain("secret", b"s"), plain("secrets"))
    assert unpacked(archive, tmp_path) == {"secret": b"s"}


unsafe = st.sampled_from(["..", ".", ""])


@given(
    before=st.lists(names, max_size=3),
    part=unsafe,
    after=st.lists(names, min_size=1, max_size=3),
    root=st.sampled_from(["settings", "secret", "", ".."]),
)
def test_no_member_is_written_outside_its_directory(
    before: list[str], part: str, after: list[str], root: str
) -> None:
    name = "/".join((root, *before, part, *after))
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch, "directory")
        archive = archive_of(plain("secret"), plain(name))
        try:
            assert unpacked(archive, directory).keys() <= {"secret"}
        except DamagedError:
            assert not directory.exists(), "something was written before all was checked"
        assert [path.name for path in Path(scratch).iterdir()] in ([], ["directory"])


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "settings/../../x", "settings//x", "./secret"]
)
def test_an_invalid_member_name_is_damage(name: str, tmp_path: Path) -> None:
    with pytest.raises(DamagedError, match="is not a valid file name"):
        unpacked(archive_of(plain("secret"), plain(name)), tmp_path)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
    ],
)
def test_links_devices_and_directories_are_damage(kind: bytes, tmp_path: Path) -> None:
    member, _ = plain("settings/x")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(DamagedError, match="is not a regular file"):
        unpacked(archive_of(plain("secret"), (member, b"")), tmp_path)
    assert contents(tmp_path) == {}


def test_a_duplicate_file_or_one_below_a_file_is_damage(tmp_path: Path) -> None:
    for other in ("settings/a", "settings/a/b"):
        with pytest.raises(DamagedError):
            unpacked(archive_of(plain("settings/a"), plain(other)), tmp_path)
    assert contents(tmp_path) == {}


def test_an_archive_that_unpacks_to_more_than_the_limits_is_damage(tmp_path: Path) -> None:
    limits = ArchiveLimits(total=1000, file=1000)
    large = MAX_FILES * archive.OVERHEAD + limits.total
    with pytest.raises(DamagedError, match="more than"):
        unpacked(archive_of(plain("secret", b"\0" * large)), tmp_path, limits)
    many = archive_of(*(plain(f"settings/{number}", b"") for number in range(MAX_FILES + 1)))
    with pytest.raises(DamagedError, match="too many files"):
        unpacked(many, tmp_path)
    assert contents(tmp_path) == {}


@given(data=st.data())
def test_a_truncated_or_changed_archive_is_unpacked_whole_or_not_at_all(
    data: st.DataObject,
) -> None:
    files = {"settings/a": b"abc" * 400, "secret": bytes(range(256))}
    with tempfile.TemporaryDirectory() as scratch:
        one, other = Path(scratch, "one"), Path(scratch, "other")
        write(one, files)
        archive, _ = packed(one)
        place = data.draw(st.integers(0, len(archive) - 1))
        if data.draw(st.booleans()):
            damaged = archive[:place]
        else:
            flipped = archive[place] ^ data.draw(st.integers(1, 255))
            damaged = archive[:place] + bytes([flipped]) + archive[place + 1 :]
        try:
            assert unpacked(damaged, other) == files
        except DamagedError:
            assert not other.exists()


@given(noise=st.binary(max_size=2000), zipped=st.booleans(), after=st.booleans())
def test_noise_is_damage_and_nothing_worse(noise: bytes, zipped: bool, after: bool) -> None:
    head = gzip.decompress(archive_of(plain("settings/a")))[:1024] if after else b""
    archive = gzip.compress(head + noise) if zipped else noise
    with tempfile.TemporaryDirectory() as scratch:
        try:
            written = unpacked(archive, Path(scratch, "directory"))
        except DamagedError:
            written = {}
        assert written in ({}, {"settings/a": b"x"})


@pytest.mark.parametrize("field", ["size", "name", "sparse"])
def test_wrong_headers_are_damage(field: str, tmp_path: Path) -> None:
    member, content = plain("settings/a")
    member.pax_headers = {
        "size": {"size": "9" * 30},
        "name": {"path": "../../x"},
        "sparse": {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(10**15)},
    }[field]
    with pytest.raises(DamagedError):
        unpacked(archive_of((member, content)), tmp_path)
    assert contents(tmp_path) == {}


def test_a_full_disk_leaves_no_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        unpacked(archive_of(plain("secret")), tmp_path)
    assert contents(tmp_path) == {}


def test_paths_follow_the_variables_of_jupyter_and_ipython(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
        "IPYTHONDIR",
    )
    for variable in variables:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    usual = {place.name: place.path for place in archive.session_items()}
    assert usual == {
        "lab/user-settings": tmp_path / ".jupyter/lab/user-settings",
        "lab/workspaces": tmp_path / ".jupyter/lab/workspaces",
        "notebook_secret": tmp_path / ".local/share/jupyter/notebook_secret",
        "nbsignatures.db": tmp_path / ".local/share/jupyter/nbsignatures.db",
        "file_id_manager.db": tmp_path / ".local/share/jupyter/file_id_manager.db",
        "scheduler.sqlite": tmp_path / ".local/share/jupyter/scheduler.sqlite",
        "ipython/history.sqlite": tmp_path / ".ipython/profile_default/history.sqlite",
    }
    for variable in variables:
        monkeypatch.setenv(variable, str(tmp_path / variable))
    assert [str(place.path.relative_to(tmp_path)) for place in archive.session_items()] == [
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTER_DATA_DIR/notebook_secret",
        "JUPYTER_DATA_DIR/nbsignatures.db",
        "JUPYTERLAB_WORKSPACES_DIR",
        "JUPYTER_DATA_DIR/file_id_manager.db",
        "JUPYTER_DATA_DIR/scheduler.sqlite",
        "IPYTHONDIR/profile_default/history.sqlite",
    ]
