"""A conda environment from its prefix to HDFS, against conda-pack and `hdfs dfs -put`, and the time
from a submit until Python runs in a container with it.

The environment is a real one of about 900 MB and 30,000 files. It is made once, from packages of
PyPI, and kept in the cache of the embedded Hadoop. That takes about 4 GB of disk and some minutes.
Both packers run as commands, and alternate. Ours is the installed one.

Metrics:

- `speedup`: the median time of conda-pack and put, to ours;
- `same_work_speedup`: the same with ours reduced to conda-pack's work: without the bytecode of
  15,000 files, and without test imports of a server's modules;
- `changed_speedup`: the same with ours after the files of one package were replaced;
- `unchanged_s`: our command again after no change;
- `memory_mb`: the most memory of our command and its children, shared memory counted once;
- `cold_s` and `cold_file_s`: from a submit until Python runs on a node that does not have the
  environment yet, delivered as an archive and as a file; `cached_s` and `cached_file_s`: on a node
  that has it;
- `import_ratio`: the first `import jupyterhub.singleuser` in a container, to the same in the
  original environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import distribution, distributions
from pathlib import Path

import hdfs_native
import psutil
from rich.console import Console

from benchmarks.containers import Delivery, measure_container
from benchmarks.frame import Result, Times, samples_of
from tests.conda_packages import add_distribution, add_python, make_environment
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

ROUNDS = 3
WARM_ROUNDS = 5
CONTAINERS = 2
ROOT = "/apps/yarnhub/benchmark"
PEER = f"{ROOT}/conda-pack.tar.gz"

#: Common packages of a notebook environment, with 30,000 files in all.
PACKAGES = (
    *("jupyterlab", "jupyterhub", "hdfs-native", "numpy", "scipy", "pandas", "pyarrow"),
    *("matplotlib", "scikit-learn", "sympy", "bokeh", "dask[complete]", "plotly"),
    *("networkx", "seaborn", "sqlalchemy", "altair", "xarray"),
)
CHANGED_PACKAGE = "seaborn"
IMPORT = "import jupyterhub.singleuser"
TIMED_IMPORT = (
    f"import time; began = time.perf_counter(); {IMPORT}; print(time.perf_counter() - began)"
)

READY = "submit to Python ready s"
SAME = "yarnhub, the same work: pack and publish"

#: Our command, without the steps that conda-pack does not have.
SAME_WORK = """
from env_packaging import pack
from env_packaging.build import plan
plan.bytecode_members = lambda members, interpreter: ()
pack.module_findings = lambda prefix: []
from yarnhub.cli import main
main()
"""


def run(console: Console) -> Result:
    """Measure everything, in about ten minutes after the environment was made."""
    times: Times = {}
    # An environment in use has bytecode.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with (
        console.status("Making the conda environment") as status,
        tempfile.TemporaryDirectory() as temporary,
    ):
        prefix, folder = conda_environment(status.update), Path(temporary)
        with MiniHadoop(nodemanagers=1, progress=status.update) as hadoop:
            os.environ.update(hadoop.env(), HADOOP_USER_NAME=HUB_USER)
            for number in range(1, ROUNDS + 1):
                status.update(f"Packing, round {number} of {ROUNDS}")
                measure_packers(prefix, folder, times)
            status.update("Packing without a change")
            packing = pack_command(prefix)
            timed(packing, folder)
            for _ in range(WARM_ROUNDS):
                add(times, "yarnhub: unchanged s", timed(packing, folder))
            status.update("Importing in the original environment")
            for _ in range(WARM_ROUNDS + 1):
                add(
                    times,
                    "import in the original environment s",
                    float(output_of(prefix, TIMED_IMPORT)),
                )
            del times["import in the original environment s"][0]  # It may have compiled.
            measure_containers(hadoop, folder, times, status.update)
    return result(times)


def result(times: Times) -> Result:
    """Compute the metrics from the samples."""
    samples = samples_of(times)
    original = samples["import in the original environment s"].median
    peer = samples["conda-pack and put s"].median
    return Result(
        tuple(samples.values()),
        {
            "speedup": peer / samples["yarnhub: pack and publish s"].median,
            "same_work_speedup": peer / samples[f"{SAME} s"].median,
            "changed_speedup": peer / samples["yarnhub: one package changed s"].median,
            "unchanged_s": samples["yarnhub: unchanged s"].median,
            "memory_mb": max(samples["yarnhub: memory MB"].values),
            "cold_s": samples[f"archive, cold: {READY}"].median,
            "cold_file_s": samples[f"file, cold: {READY}"].median,
            "cached_s": samples[f"archive, cached: {READY}"].median,
            "cached_file_s": samples[f"file, cached: {READY}"].median,
            "import_ratio": samples["archive, cold: first import s"].median / original,
        },
    )


def conda_environment(status: Callable[[str], None]) -> Path:
    """Return the conda environment with all packages; make it if it does not exist."""
    cache = Path.home() / ".cache" / "yarnhub" / "benchmark"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    prefix = cache / f"conda-{version}"
    if (prefix / "conda-meta" / "history").exists():
        return prefix
    shutil.rmtree(prefix, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        venv, channel = Path(work) / "venv", Path(work) / "channel"
        status("Installing the benchmark's packages (once)")
        python = Path(sys.base_prefix) / "bin" / f"python{version}"
        subprocess.run([python, "-m", "venv", venv], check=True)
        pip = [str(venv / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True)
        add_python(channel)
        installed = list(distributions(path=[str(next(venv.glob("lib/python3*/site-packages")))]))
        for number, package in enumerate(installed):
            status(f"Making conda packages: {number} of {len(installed)} (once)")
            add_distribution(channel, package, venv)
        add_distribution(channel, distribution("yarnhub"), Path(sys.prefix))
        status("Installing the conda packages (once)")
        names = [path.name.rsplit("-", 2)[0] for path in channel.glob("*/*.conda")]
        make_environment(channel, prefix, names)
    # As conda does when it installs. conda-pack leaves out files that it does not know: these too.
    compiling = [str(prefix / "bin" / "python"), "-m", "compileall", "-q", "-j", "0", "lib"]
    subprocess.run(compiling, cwd=prefix, check=False, stdout=subprocess.DEVNULL)
    return prefix


def pack_command(prefix: Path, *program: str) -> list[str]:
    command = program or [str(Path(sys.executable).with_name("yarnhub"))]
    return [*command, "pack-env", str(prefix), "--name", "lab", "--env-root", ROOT, "--quiet"]


def measure_packers(prefix: Path, folder: Path, times: Times) -> None:
    """Publish with each packer into an empty registry, ours with an empty cache, and again with
    ours after a change."""
    forget_all(folder)
    same_work = pack_command(prefix, sys.executable, "-c", SAME_WORK)
    add(times, f"{SAME} s", timed(same_work, folder))
    forget_all(folder)
    command = pack_command(prefix)
    began, cpu = time.perf_counter(), cpu_seconds()
    process = subprocess.Popen(command, env=with_cache(folder))
    most = most_memory_mb(process)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    add(times, "yarnhub: pack and publish s", time.perf_counter() - began)
    add(times, "yarnhub: CPU s", cpu_seconds() - cpu)
    add(times, "yarnhub: memory MB", most)
    with changed_package(prefix):
        add(times, "yarnhub: one package changed s", timed(command, folder))
    cpu = cpu_seconds()
    packed = folder / "conda-pack.tar.gz"
    program = str(Path(sys.executable).with_name("conda-pack"))
    packing = timed([program, "--quiet", "--force", "-p", str(prefix), "-o", str(packed)], folder)
    putting = timed(["hdfs", "dfs", "-put", "-f", str(packed), PEER], folder)
    add(times, "conda-pack and put s", packing + putting)
    add(times, "conda-pack, without put s", packing)
    add(times, "conda-pack and put: CPU s", cpu_seconds() - cpu)
    packed.unlink()


@contextmanager
def changed_package(prefix: Path) -> Iterator[None]:
    """Replace the files of one package by others, as an upgrade does."""
    files = sorted(next(prefix.glob(f"lib/python3*/site-packages/{CHANGED_PACKAGE}")).rglob("*.py"))
    contents = [file.read_bytes() for file in files]

    def write_all(end: bytes) -> None:
        for file, content in zip(files, contents, strict=True):
            file.unlink()
            file.write_bytes(content + end)

    write_all(b"\n# changed\n")
    try:
        yield
    finally:
        write_all(b"")


def with_cache(folder: Path) -> dict[str, str]:
    """Return an environment whose cache is in a folder."""
    return {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}


def forget_all(folder: Path) -> None:
    """Delete all published environments and the cache."""
    shutil.rmtree(folder / "cache", ignore_errors=True)
    client = hdfs_native.Client()
    client.delete(ROOT, True)
    client.mkdirs(ROOT, 0o755, True)


def cpu_seconds() -> float:
    """Return the CPU seconds of all ended commands and their children."""
    used = os.times()
    return used.children_user + used.children_system


def most_memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Return the most memory of a process and its children until it ends, in MB."""
    most = 0.0
    parent = psutil.Process(process.pid)
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            most = max(most, sum(map(memory_mb, [parent, *parent.children()])))
        time.sleep(0.05)
    return most


def memory_mb(process: psutil.Process) -> float:
    """Return a process's memory with its share of shared memory (PSS), in MB; 0 if it ended."""
    with suppress(psutil.NoSuchProcess):
        return process.memory_full_info().pss / 1e6
    return 0.0


def measure_containers(
    hadoop: MiniHadoop, folder: Path, times: Times, status: Callable[[str], None]
) -> None:
    """Start containers with our archive, which has all .pyc files, and with conda-pack's, which
    lacks those that Python made after the installation."""
    client = hdfs_native.Client()
    ours = next(
        entry.path for entry in client.list_status(f"{ROOT}/lab") if entry.path.endswith(".tar.gz")
    )
    for path, suffix in ((ours, ""), (PEER, ", no .pyc")):
        for kind in ("file", "archive"):
            for state in ("cold", "cached"):
                title = f"{kind}{suffix}, {state}"
                status(f"Starting containers: {title}")
                for _ in range(CONTAINERS):
                    if state == "cold":
                        now = int(time.time() * 1000)
                        client.set_times(path, now, now)  # So YARN localizes it again.
                    measured = measure_container(hadoop, Delivery(path, kind), folder)
                    add(times, f"{title}: {READY}", measured.ready_seconds)
                    add(times, f"{title}: first import s", measured.import_seconds)


def timed(command: Sequence[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=with_cache(folder))
    return time.perf_counter() - began


def output_of(prefix: Path, script: str) -> str:
    command = [str(prefix / "bin" / "python"), "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def add(times: Times, name: str, value: float) -> None:
    times.setdefault(name, []).append(value)
