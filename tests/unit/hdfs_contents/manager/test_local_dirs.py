"""Local directories shown beside HDFS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from traitlets import TraitError

from hadoop_client.hdfs.filesystem import FileSystem
from hdfs_contents import HDFSContentsManager
from tests.unit.hdfs_contents.manager.models import (
    MakeManager,
    Names,
    Read,
    Write,
    notebook,
    refused,
    text,
)

InScratch = Callable[[], list[str]]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "folder"


@pytest.fixture
def in_scratch(scratch: Path) -> Callable[[], list[str]]:
    """`in_scratch()`: the names in the local directory."""
    return lambda: sorted(path.name for path in scratch.iterdir())


@pytest.fixture
def manager(
    make_manager: MakeManager, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> HDFSContentsManager:
    monkeypatch.setenv("SCRATCH", str(scratch))
    return make_manager(local_dirs={"scratch": "$SCRATCH"})


async def test_a_local_directory_behaves_like_others(
    manager: HDFSContentsManager, scratch: Path, in_scratch: InScratch, names: Names
) -> None:
    (scratch / "kernel.csv").write_text("written by a kernel")
    listed = {entry["name"]: entry for entry in (await manager.get(""))["content"]}
    assert (listed["scratch"]["type"], listed["scratch"]["writable"]) == ("directory", True)
    assert (await manager.get("scratch/kernel.csv"))["content"] == "written by a kernel"
    saved = await manager.save(notebook("1"), "scratch/a.ipynb")
    assert saved == await manager.get("scratch/a.ipynb", content=False)
    assert (scratch / "a.ipynb").exists()
    assert [model["path"] for model in (await manager.get("scratch"))["content"]] == [
        *("scratch/a.ipynb", "scratch/kernel.csv")
    ]
    await manager.rename("scratch/a.ipynb", "scratch/b.ipynb")
    assert len(await manager.list_checkpoints("scratch/b.ipynb")) == 1
    for path in ("scratch/b.ipynb", "scratch/kernel.csv"):
        await manager.delete(path)
    assert in_scratch() == [".ipynb_checkpoints"]
    assert names() == []  # HDFS has none of it


async def test_files_and_directories_are_copied_and_moved_across(
    manager: HDFSContentsManager, scratch: Path, write: Write, read: Read, names: Names
) -> None:
    data = bytes(range(256)) * 40_000
    write("d/e/large.bin", data)
    assert (await manager.copy("d", "scratch"))["path"] == "scratch/d"
    assert (scratch / "d/e/large.bin").read_bytes() == data
    await manager.rename("d", "scratch/moved")
    assert (scratch / "moved/e/large.bin").read_bytes() == data
    assert names() == []
    await manager.rename("scratch/moved/e", "back")
    assert read("back/large.bin") == data
    assert list((scratch / "moved").iterdir()) == []
    assert "already exists" in await refused(409, manager.rename("back", "scratch/d"))


async def test_group_permissions_are_dropped_between_file_systems(
    manager: HDFSContentsManager, fs: FileSystem, root: str, scratch: Path, write: Write
) -> None:
    modes = {"all": 0o644, "group": 0o640}
    for name, mode in modes.items():
        write(f"there/{name}", mode=mode)
        (scratch / name).touch()
        (scratch / name).chmod(mode)
    await manager.copy("there", "scratch")
    for name, mode in (("all", 0o644), ("group", 0o600)):
        assert fs.stat(f"{root}/there/{name}").mode == modes[name]
        assert (scratch / "there" / name).stat().st_mode & 0o777 == mode
        await manager.rename(f"scratch/{name}", f"from-{name}")
        assert fs.stat(f"{root}/from-{name}").mode == mode


async def test_a_directory_too_large_to_copy_is_not_moved_between_file_systems(
    manager: HDFSContentsManager, in_scratch: InScratch, write: Write, names: Names
) -> None:
    write("d/large.bin", bytes(2_000_000))
    manager.max_copy_folder_size_mb = 1
    assert "move it in smaller parts" in await refused(413, manager.rename("d", "scratch/d"))
    assert (names(), in_scratch()) == (["d"], [])
    await manager.rename("d/large.bin", "scratch/large.bin")
    assert in_scratch() == ["large.bin"]


async def test_a_file_that_changes_during_a_move_is_left_in_place(
    manager: HDFSContentsManager,
    fs: FileSystem,
    scratch: Path,
    in_scratch: InScratch,
    write: Write,
    read: Read,
) -> None:
    hdfs_path = write("a", "a" * 100)
    fs.set_times(hdfs_path, modified_ms=1_000_000_000_000)

    class Changes:
        def __getattr__(self, name: str) -> Any:
            return getattr(fs, name)

        def open_read(self, path: str) -> Any:
            opened = fs.open_read(path)
            if path == hdfs_path and not (scratch / "seen").exists():
                (scratch / "seen").touch()
                write("a", "b" * 100)
            return opened

    manager.store.fs._base = Changes()
    message = await refused(409, manager.rename("a", "scratch/a"))
    assert "was left in place" in message
    assert read("a") == b"b" * 100
    assert in_scratch() == ["seen"]


async def test_a_local_directory_cannot_be_moved_or_deleted(
    manager: HDFSContentsManager, scratch: Path, in_scratch: InScratch
) -> None:
    for call in (manager.delete("scratch"), manager.rename("scratch", "a")):
        assert "cannot be moved or deleted" in await refused(403, call)
    (scratch / "d").mkdir()
    assert "cannot be moved or deleted" in await refused(
        403, manager.rename("scratch", "scratch/d/s")
    )
    assert in_scratch() == ["d"]


async def test_errors_of_a_local_directory_do_not_contain_its_path(
    manager: HDFSContentsManager, scratch: Path
) -> None:
    for message in (
        await refused(404, manager.get("scratch/missing")),
        await refused(404, manager.save(text("a"), "scratch/missing/a")),
        await refused(400, manager.save(text("a"), f"scratch/{'x' * 300}")),
    ):
        assert str(scratch) not in message


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "a:b"])
def test_an_invalid_name_of_a_local_directory_is_refused(
    name: str, make_manager: MakeManager, tmp_path: Path
) -> None:
    with pytest.raises(TraitError, match=r"c\.HDFSContentsManager\.local_dirs") as raised:
        make_manager(local_dirs={name: str(tmp_path)})
    assert "\n" not in str(raised.value)
