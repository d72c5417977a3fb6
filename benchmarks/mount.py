"""HDFS as a folder, against the bare HDFS client and a local disk.

All use one embedded Hadoop, and alternate in each round. Metrics:

- `read_vs_raw` and `write_vs_raw`: the bare client's time for 1 GB in order, to the folder's;
- `small_read_ms`: the time to open, read and close a file of 20 KB;
- `small_write_ms`: the time to write one, less that of the client's create and rename;
- `list_vs_raw`: the time of `ls -l` with 10,000 files, to the client's bare list_status;
- `untar_files_s`: how many files of an archive are unpacked in a second;
- `import_s`: the time to import a package of 200 modules, the first time;
- `git_status_s`: the time of `git status` in a work tree of 1,000 files, the first time;
- `memory_mb`: the memory of the daemon at the end;
- `start_s`: the time until the folder answers after the daemon was started.
"""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import hdfs_native
import psutil
from rich.console import Console

from benchmarks.frame import Result, Times, difference, samples_of
from tests.mounts import Mount
from yarnhub.minihadoop import MiniHadoop

ENTRIES = 10_000
MB = 1024 * 1024
LARGE_MB = 1024
ROUNDS = 15
LARGE_ROUNDS = 3
MODULES = 200
FILES = 1000
ROOT = "/user/alice/benchmark"


def run(console: Console) -> Result:
    """Measure everything, in about three minutes."""
    with (
        console.status("Starting an embedded Hadoop") as status,
        tempfile.TemporaryDirectory() as temporary,
        MiniHadoop(nodemanagers=1, users=("alice",), progress=status.update) as hadoop,
    ):
        os.environ.update(hadoop.env(), HADOOP_USER_NAME="alice")
        client = hdfs_native.Client()
        client.mkdirs(ROOT, 0o755, True)
        times: Times = {}
        place = Path(temporary)
        with mounted(place) as mount:
            folder = mount.path / ROOT.lstrip("/")
            measure_start(mount, folder, times)
            status.update("Reading and writing small files")
            measure_small(client, folder, times)
            status.update(f"Listing {ENTRIES:,} files")
            measure_list(client, mount, folder, times)
            status.update("Unpacking, importing and looking at a work tree")
            measure_programs(mount, folder, place, times)
            status.update("Reading and writing 1 GB")
            measure_large(client, folder, place, times)
            process = psutil.Process(mount.daemon)
            times["memory MB"] = [process.memory_info().rss / 1e6]
    return summarized(times)


def summarized(times: Times) -> Result:
    samples = samples_of(times)

    def median(name: str) -> float:
        return samples[name].median

    return Result(
        tuple(samples.values()),
        {
            "read_vs_raw": median("read 1 GB, raw s") / median("read 1 GB s"),
            "write_vs_raw": median("write 1 GB, raw s") / median("write 1 GB s"),
            "small_read_ms": median("read 20 KB ms"),
            "small_write_ms": difference(samples["write 20 KB ms"], samples["write 20 KB, raw ms"]),
            "list_vs_raw": median("list ms") / median("list, raw ms"),
            "untar_files_s": FILES / median("untar s"),
            "import_s": median("import s"),
            "git_status_s": median("git status s"),
            "memory_mb": median("memory MB"),
            "start_s": median("start s"),
        },
    )


@contextmanager
def mounted(place: Path) -> Iterator[Mount]:
    """Mount HDFS as a server's container does."""
    (place / "hdfs").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    daemon = [sys.executable, "-m", "hdfs_contents.mount", f"--staging={place / 'staging'}"]
    mount = Mount(place / "hdfs", daemon, environment)
    try:
        yield mount
    finally:
        mount.close()


def timed(times: Times, name: str, call: Callable[[], object]) -> None:
    began = time.perf_counter()
    call()
    seconds = time.perf_counter() - began
    times.setdefault(name, []).append(seconds * (1000 if name.endswith("ms") else 1))


def measure_start(mount: Mount, folder: Path, times: Times) -> None:
    """Measure from the start of the daemon to its first answer."""
    for _ in range(5):
        mount.kill()

        def start() -> None:
            mount.start()
            os.statvfs(folder)

        timed(times, "start s", start)


def measure_small(client: hdfs_native.Client, folder: Path, times: Times) -> None:
    data = os.urandom(20_000)
    for number in range(ROUNDS):
        raw, path = f"{ROOT}/raw-{number}", folder / f"small-{number}"
        timed(times, "write 20 KB, raw ms", partial(write_raw, client, raw, [data]))
        timed(times, "write 20 KB ms", partial(path.write_bytes, data))
        timed(times, "write 20 KB again ms", partial(path.write_bytes, data))
        timed(times, "read 20 KB, raw ms", partial(read_raw, client, raw))
        timed(times, "read 20 KB ms", path.read_bytes)


def write_raw(client: hdfs_native.Client, path: str, chunks: list[bytes]) -> None:
    """Write a temporary file and rename it, with the client alone."""
    with client.create(f"{path}.tmp") as file:
        for chunk in chunks:
            file.write(chunk)
    client.rename(f"{path}.tmp", path, True)


def read_raw(client: hdfs_native.Client, path: str) -> None:
    for _ in client.read(path):
        pass


def measure_list(client: hdfs_native.Client, mount: Mount, folder: Path, times: Times) -> None:
    client.mkdirs(f"{ROOT}/many", 0o755, True)
    with ThreadPoolExecutor(8) as threads:
        names = (f"{ROOT}/many/file-{number:05}.csv" for number in range(ENTRIES))
        list(threads.map(lambda name: client.create(name).close(), names))

    def list_raw() -> None:
        for entry in client.list_status(f"{ROOT}/many"):
            entry.path  # noqa: B018

    def list_by_path() -> None:
        # Not in the directory itself, because nsenter would list it too.
        where = mount.where / f"{ROOT}/many".lstrip("/")
        mount.run(mount.path / "tmp", "ls", "-l", str(where))

    for _ in range(5):
        timed(times, "list, raw ms", list_raw)
        timed(times, "list ms", list_by_path)
        timed(times, "list of an empty folder ms", lambda: mount.run(mount.path / "tmp", "ls"))
        forget()


def measure_programs(mount: Mount, folder: Path, place: Path, times: Times) -> None:
    tree = place / "tree"
    tree.mkdir()
    for number in range(FILES):
        (tree / f"{number}.txt").write_text(f"{number}\n" * 200)
    with tarfile.open(place / "tree.tar", "w") as archive:
        archive.add(tree, "tree")
    timed(times, "untar s", lambda: mount.run(folder, "tar", "xf", f"{place}/tree.tar"))
    package = folder / "package"
    package.mkdir()
    (package / "__init__.py").write_text(
        "\n".join(f"from package import m{number}" for number in range(MODULES))
    )
    for number in range(MODULES):
        (package / f"m{number}.py").write_text("def call(x):\n    return x + 1\n" * 20)
    python = (sys.executable, "-c", "import package")
    forget()
    timed(times, "import s", lambda: mount.run(folder, *python))
    mount.run(folder / "tree", "sh", "-c", "git init -q && git add .")
    forget()
    timed(times, "git status s", lambda: mount.run(folder / "tree", "git", "status", "--short"))


def forget() -> None:
    """Wait until the kernel asks again for attributes. It drops content at each open."""
    time.sleep(1.1)


def measure_large(client: hdfs_native.Client, folder: Path, place: Path, times: Times) -> None:
    block = os.urandom(MB)

    def write(path: Path) -> None:
        with path.open("wb", buffering=0) as file:
            for _ in range(LARGE_MB):
                file.write(block)

    def read(path: Path) -> None:
        buffer = bytearray(MB)
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    for _ in range(LARGE_ROUNDS):
        raw = [block] * LARGE_MB
        timed(times, "write 1 GB, raw s", partial(write_raw, client, f"{ROOT}/large", raw))
        client.delete(f"{ROOT}/large")
        timed(times, "write 1 GB s", lambda: write(folder / "large"))
        forget()
        timed(times, "read 1 GB, raw s", partial(read_raw, client, f"{ROOT}/large"))
        timed(times, "read 1 GB s", lambda: read(folder / "large"))
        (folder / "large").unlink()
        timed(times, "write 1 GB, local s", lambda: write(place / "large"))
