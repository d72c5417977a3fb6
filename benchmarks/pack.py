"""A conda environment from its prefix to HDFS, against conda-pack and `hdfs dfs -put`; and from the
submit to Python ready in a container that gets it.

The environment is a real one of about 900 MB and 30,000 files, made once of what PyPI has and kept
beside the embedded Hadoop's own files; it needs about 4 GB of disk and a quarter of an hour the
first time. Both packers run as commands, in turn; ours is the one that is installed.

Figures: `speedup`, conda-pack's and put's median time to ours; `same_work_speedup`, the same where
ours does no more than conda-pack does, without bytecode of 15,000 files and without importing what
a server needs; `unchanged_s`, our command again when nothing was touched; `memory_mb`, the most
that our command and its children had in memory at once, what they share counted once;
`import_ratio`, the first `import jupyterhub.singleuser` in a container to the same in the
environment where it was made.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import distribution, distributions
from pathlib import Path

import hdfs_native
from rich.console import Console

from benchmarks.containers import Delivery, measure_container
from benchmarks.frame import Result, Samples
from tests.conda_packages import add_distribution, add_python, make_environment
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.settings import HUB_USER

ROUNDS = 3
WARM_ROUNDS = 5
CONTAINERS = 2
ROOT = "/apps/yarnhub/benchmark"
PEER = f"{ROOT}/conda-pack.tar.gz"

#: What people have in a notebook environment; enough for 30,000 files.
PACKAGES = (
    *("jupyterlab", "jupyterhub", "hdfs-native", "numpy", "scipy", "pandas", "pyarrow"),
    *("matplotlib", "scikit-learn", "sympy", "bokeh", "dask[complete]", "plotly"),
    *("networkx", "seaborn", "sqlalchemy", "altair", "xarray"),
)
IMPORT = "import jupyterhub.singleuser"
TIMED_IMPORT = (
    f"import time; began = time.perf_counter(); {IMPORT}; print(time.perf_counter() - began)"
)

SAME = "yarnhub, the same work: pack and publish"

#: Our command, without what conda-pack does not do.
SAME_WORK = """
from env_packaging import pack
from env_packaging.build import plan
plan.bytecode_members = lambda members, interpreter: ()
pack.module_findings = lambda prefix: []
from yarnhub.cli import main
main()
"""

Timed = dict[str, list[float]]


def run(console: Console) -> Result:
    """Measure everything; takes about ten minutes once the environment is there."""
    times: Timed = {}
    # Python is to find its bytecode, and an environment that is used has some.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with (
        console.status("Making the conda environment") as status,
        tempfile.TemporaryDirectory() as at,
    ):
        prefix = conda_environment(status.update)
        with MiniHadoop(nodemanagers=1, progress=status.update) as hadoop:
            os.environ.update(hadoop.env(), HADOOP_USER_NAME=HUB_USER)
            for number in range(1, ROUNDS + 1):
                status.update(f"Packing, round {number} of {ROUNDS}")
                measure_packers(prefix, Path(at), times)
            status.update("Packing what is unchanged")
            for _ in range(WARM_ROUNDS):
                add(times, "yarnhub: unchanged s", timed(pack_command(prefix)))
            status.update("Importing in the environment itself")
            for _ in range(WARM_ROUNDS + 1):
                add(times, "import where it was made s", float(output_of(prefix, TIMED_IMPORT)))
            del times["import where it was made s"][0]  # which may have compiled
            measure_containers(hadoop, Path(at), times, status.update)
    return told(times)


def told(times: Timed) -> Result:
    """Return the samples and the figures that are claimed from them."""
    samples = {
        name: Samples(name.rpartition(" ")[0], name.rpartition(" ")[2], tuple(values))
        for name, values in times.items()
    }
    here = samples["import where it was made s"].median
    theirs = samples["conda-pack and put s"].median
    return Result(
        tuple(samples.values()),
        {
            "speedup": theirs / samples["yarnhub: pack and publish s"].median,
            "same_work_speedup": theirs / samples[f"{SAME} s"].median,
            "unchanged_s": samples["yarnhub: unchanged s"].median,
            "memory_mb": max(samples["yarnhub: memory MB"].values),
            "import_ratio": samples["archive, cold: first import s"].median / here,
        },
    )


def conda_environment(status: Callable[[str], None]) -> Path:
    """Return a conda environment of all packages, made if it isn't there yet."""
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
        found = list(distributions(path=[str(next(venv.glob("lib/python3*/site-packages")))]))
        for number, each in enumerate(found):
            status(f"Making conda packages of them: {number} of {len(found)} (once)")
            add_distribution(channel, each, venv)
        add_distribution(channel, distribution("yarnhub"), Path(sys.prefix))
        status("Installing the conda packages (once)")
        names = [path.name.rsplit("-", 2)[0] for path in channel.glob("*/*.tar.bz2")]
        make_environment(channel, prefix, names)
    # As conda does when it installs; conda-pack leaves out what it doesn't know of, and so this.
    compiling = [str(prefix / "bin" / "python"), "-m", "compileall", "-q", "-j", "0", "lib"]
    subprocess.run(compiling, cwd=prefix, check=False, stdout=subprocess.DEVNULL)
    return prefix


def pack_command(prefix: Path, *program: str) -> list[str]:
    command = program or [str(Path(sys.executable).with_name("yarnhub"))]
    return [*command, "pack-env", str(prefix), "--name", "lab", "--env-root", ROOT, "--quiet"]


def measure_packers(prefix: Path, folder: Path, times: Timed) -> None:
    """Publish with each, where nothing of it is there yet."""
    empty_root()
    same_work = pack_command(prefix, sys.executable, "-c", SAME_WORK)
    add(times, f"{SAME} s", timed(same_work))
    empty_root()
    command = pack_command(prefix)
    began, worked = time.perf_counter(), worked_seconds()
    process = subprocess.Popen(command)
    most = most_memory_mb(process)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    add(times, "yarnhub: pack and publish s", time.perf_counter() - began)
    add(times, "yarnhub: of the processors s", worked_seconds() - worked)
    add(times, "yarnhub: memory MB", most)
    worked = worked_seconds()
    packed = folder / "conda-pack.tar.gz"
    program = str(Path(sys.executable).with_name("conda-pack"))
    packing = timed([program, "--quiet", "--force", "-p", str(prefix), "-o", str(packed)])
    putting = timed(["hdfs", "dfs", "-put", "-f", str(packed), PEER])
    add(times, "conda-pack and put s", packing + putting)
    add(times, "conda-pack, without put s", packing)
    add(times, "conda-pack and put: of the processors s", worked_seconds() - worked)
    packed.unlink()


def empty_root() -> None:
    """Delete what was published before."""
    client = hdfs_native.Client()
    client.delete(ROOT, True)
    client.mkdirs(ROOT, 0o755, True)


def worked_seconds() -> float:
    """Return the processors' time of all commands that have ended, with their children's."""
    told = os.times()
    return told.children_user + told.children_system


def most_memory_mb(process: subprocess.Popen[bytes]) -> float:
    """Return the most that a process and its children have at once, until it ends."""
    most = 0.0
    while process.poll() is None:
        most = max(most, sum(map(memory_mb, family(process.pid))))
        time.sleep(0.05)
    return most


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    try:
        text = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []  # it has just ended
    return [pid, *map(int, text.split())]


def memory_mb(pid: int) -> float:
    """Return what a process has in memory, and its part of what it shares (PSS)."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0  # it has just ended
    found = re.search(r"^Pss: +(\d+) kB", told, re.M)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def measure_containers(
    hadoop: MiniHadoop, folder: Path, times: Timed, status: Callable[[str], None]
) -> None:
    """Start containers that get our archive, with its .pyc, and conda-pack's, which has none of
    those that Python made since."""
    client = hdfs_native.Client()
    ours = next(
        each.path for each in client.list_status(f"{ROOT}/lab") if each.path.endswith(".tar.gz")
    )
    for path, what in ((ours, ""), (PEER, ", no .pyc")):
        for kind in ("file", "archive"):
            for state in ("cold", "cached"):
                title = f"{kind}{what}, {state}"
                status(f"Starting containers: {title}")
                for _ in range(CONTAINERS):
                    if state == "cold":
                        now = int(time.time() * 1000)
                        client.set_times(path, now, now)  # YARN takes it for another one
                    seen = measure_container(hadoop, Delivery(path, kind), folder)
                    add(times, f"{title}: submit to Python ready s", seen.ready_seconds)
                    add(times, f"{title}: first import s", seen.import_seconds)


def timed(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def output_of(prefix: Path, script: str) -> str:
    command = [str(prefix / "bin" / "python"), "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def add(times: Timed, name: str, value: float) -> None:
    times.setdefault(name, []).append(value)
