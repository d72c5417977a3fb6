"""Programs do their work in the mounted folder as on a local disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from tests.mounts import Mount

IDENTITY = """
set -e
export HOME=/nonexistent GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a
export GIT_COMMITTER_EMAIL=a@b GIT_EDITOR=true
"""

GIT = f"""{IDENTITY}
git init -q -b main r; cd r
echo 1 > f; git add f; git commit -qm one
git checkout -q -b topic; echo 2 > g; git add g; git commit -qm two
git checkout -q main; git merge -q topic; git fsck; git status --porcelain
cd ..; git clone -q r c; cd c; git log --format=%s; cat f g
"""

GIT_HISTORY = f"""{IDENTITY}
git init -q -b main r; cd r
echo 1 > f; git add f; git commit -qm one
git checkout -q -b topic; echo 2 > g; git add g; git commit -qm two
git checkout -q main; echo 3 > f; git commit -qam three
git checkout -q -b merged; git merge -q --no-edit topic
git checkout -q topic; git rebase -q main
git checkout -q main; git merge -q --ff-only topic
git tag v1; git gc -q; git fsck --strict; git status --porcelain
git log --format=%s; cat f g
"""

SQLITE = """
import sqlite3
database = sqlite3.connect("a.db")
database.execute("create table t (number integer primary key, text)")
database.executemany("insert into t values (?, ?)", ((n, "x" * n) for n in range(500)))
database.commit()
database.execute("delete from t where number % 2")
database.commit()
database.execute("vacuum")
database.close()
again = sqlite3.connect("a.db")
assert again.execute("pragma integrity_check").fetchall() == [("ok",)]
print(*again.execute("select count(*), sum(length(text)) from t").fetchone())
"""

ARROW = """
import pyarrow as pa, pyarrow.csv, pyarrow.feather, pyarrow.parquet
table = pa.table({"number": range(100_000), "text": [str(n) for n in range(100_000)]})
pyarrow.parquet.write_table(table, "a.parquet")
pyarrow.csv.write_csv(table, "a.csv")
pyarrow.feather.write_feather(table, "a.arrow", compression="uncompressed")
assert pyarrow.parquet.read_table("a.parquet").equals(table)
assert pyarrow.parquet.read_table("a.parquet", memory_map=True, columns=["number"]).num_rows
assert pyarrow.feather.read_table("a.arrow", memory_map=True).equals(table)
assert pyarrow.csv.read_csv("a.csv")["number"].equals(table["number"])
"""

PANDAS = """
import h5py, numpy, pandas
frame = pandas.DataFrame({"number": range(1000), "text": [str(n) for n in range(1000)]})
frame.to_csv("a.csv", index=False)
assert pandas.read_csv("a.csv", dtype={"text": str}).equals(frame)
frame.to_pickle("a.pickle")
assert pandas.read_pickle("a.pickle").equals(frame)
frame.to_parquet("a.parquet")
assert pandas.read_parquet("a.parquet")["number"].equals(frame["number"])
numbers = numpy.arange(200_000)
with h5py.File("a.h5", "w") as file:
    file["plain"] = numbers
    file.create_dataset("packed", data=numbers, compression="gzip", maxshape=(None,))
with h5py.File("a.h5", "r+") as file:
    file["plain"][10:20] = 0
    file["packed"].resize((300_000,))
    file.attrs["unit"] = "m"
numbers[10:20] = 0
with h5py.File("a.h5") as file:
    assert (file["plain"][:] == numbers).all()
    assert (len(file["packed"]), file["packed"][199_999]) == (300_000, 199_999)
    assert file.attrs["unit"] == "m"
numpy.save("a.npy", numbers)
assert (numpy.load("a.npy", mmap_mode="r") == numbers).all()
"""

COPIES = """
set -e
mkdir -p t/d; echo 1 > t/a; echo 2 > t/d/b; chmod 640 t/a; touch -d 2020-01-02T03:04:05Z t/a
tar cf t.tar t; mkdir x; tar xf t.tar -C x; diff -r t x/t
cp -a t copy; diff -r t copy
stat -c '%a %Y' x/t/a copy/a
sed -i s/1/one/ copy/a; cat copy/a
rm -r t x copy
"""

RSYNC = """
set -e
mkdir -p t/d; echo 1 > t/a; echo 2 > t/d/b; touch -d 2020-01-02T03:04:05Z t/a
rsync -a t/ copy/; diff -r t copy; echo 3 > t/a; rm t/d/b
rsync -a --delete --itemize-changes t/ copy/; diff -r t copy; ls -A copy copy/d
"""

#: All that vim does to save: a backup is made and deleted, and the file is replaced or written.
VIM = """
set -e
for how in yes no auto; do
  printf 'one\\ntwo\\n' > a
  vim -N -u NONE -i NONE -es -c "set backupcopy=$how writebackup" -c '1s/one/1/' -c wq a
  cat a
done
ls -A
"""


def shell(mount: Mount, folder: Path, script: str) -> list[str]:
    return mount.run(folder, "sh", "-c", script).split()


def test_git_commits_merges_and_clones(folder: Path, mount: Mount) -> None:
    assert shell(mount, folder, GIT) == ["two", "one", "1", "2"]


@pytest.mark.heavy  # git writes a hundred small files
def test_git_rebases_and_packs_a_history(folder: Path, mount: Mount) -> None:
    assert shell(mount, folder, GIT_HISTORY) == ["two", "three", "one", "3", "2"]


def test_files_are_packed_unpacked_and_copied_with_their_modes_and_times(
    folder: Path, mount: Mount
) -> None:
    assert shell(mount, folder, COPIES) == ["640", "1577934245", "640", "1577934245", "one"]


def test_rsync_copies_what_has_changed(folder: Path, mount: Mount) -> None:
    changes = shell(mount, folder, RSYNC)
    assert ">f..t......" in changes
    assert changes[-4:] == ["copy:", "a", "d", "copy/d:"]


def test_vim_saves_in_each_of_its_ways(folder: Path, mount: Mount) -> None:
    assert shell(mount, folder, VIM) == ["1", "two"] * 3 + ["a"]


def test_sqlite_writes_a_database(folder: Path, mount: Mount) -> None:
    assert mount.run(folder, sys.executable, "-c", SQLITE).split() == ["250", "62250"]


def test_pyarrow_writes_and_maps_its_files(folder: Path, mount: Mount) -> None:
    pytest.importorskip("pyarrow")
    mount.run(folder, sys.executable, "-c", ARROW)


@pytest.mark.heavy  # downloads the libraries
def test_pandas_numpy_and_h5py_write_and_read_their_files(
    folder: Path, mount: Mount, tmp_path: Path
) -> None:
    install = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tmp_path))
    subprocess.run([*install, "pandas", "h5py"], check=True)
    mount.run(folder, "env", f"PYTHONPATH={tmp_path}", sys.executable, "-c", PANDAS)


def test_a_package_of_many_modules_is_imported(
    folder: Path, mount: Mount, fs: FileSystem, root: str
) -> None:
    package = folder / "package"
    package.mkdir()
    for number in range(20):
        (package / f"m{number}.py").write_text(f"value = {number}\n")
    names = ", ".join(f"m{number}" for number in range(20))
    program = f"from package import {names}\nprint(m19.value)"
    python = ("env", "-u", "PYTHONDONTWRITEBYTECODE", sys.executable, "-c", program)
    for _ in range(2):  # the second time with the compiled files
        assert mount.run(folder, *python) == "19\n"
    assert len(fs.list_dir(f"{root}/package/__pycache__")) == 20
