"""docs/spark.md, done as it says: a notebook is the driver of a Spark application on YARN."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hadoop.env_tools import ROOT, open_hdfs, pack_env
from tests.hadoop.hdfs_files import open_anew
from tests.hadoop.yarn_rest import running_applications
from yarnhub.demo import browser
from yarnhub.demo.browser import Browser
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.artifacts import cache_dir

PAGE = (ROOT / "docs" / "spark.md").read_text()
(CONFIG,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
(CELL,) = re.findall(r"```py\n(.*?)```", PAGE, re.S)
(DEFAULTS,) = re.findall(r"```ini\n(.*?)```", PAGE, re.S)
#: What docs/data.md shows of Spark.
(READ_SALES,) = re.findall(r"```text\n(.*?)```", (ROOT / "docs" / "data.md").read_text(), re.S)
(VERSION,) = re.findall(r"pip install pyspark==(\S+?)`", PAGE)

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1200)]

SERVER = """
c.YarnSpawner.cmd = ["jupyter-labhub"]
c.YarnSpawner.args = ["--allow-root"]
c.YarnSpawner.mem_limit = "2G"
c.YarnSpawner.python_env = "spark"
c.YarnSpawner.environment["PYTHONPATH"] = {pyspark!r}
"""


@pytest.fixture(scope="module")
def pyspark() -> Path:
    """A folder with pyspark, kept for the next time: it is 400 MB."""
    folder = cache_dir() / f"pyspark-{VERSION}"
    if not (folder / "complete").exists():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade"]
        subprocess.run([*install, "--target", folder, f"pyspark=={VERSION}"], check=True)
        (folder / "complete").touch()
    return folder


@pytest.fixture
def jars(hadoop: MiniHadoop, pyspark: Path, tmp_path: Path) -> None:
    """Spark's jars in HDFS."""
    packed = tmp_path / "jars.zip"
    files = sorted((pyspark / "pyspark" / "jars").iterdir())
    subprocess.run([sys.executable, "-m", "zipfile", "-c", packed, *files], check=True)
    hdfs = open_hdfs(hadoop)
    hdfs.mkdirs(f"/apps/spark/{VERSION}")
    path = f"/apps/spark/{VERSION}/jars.zip"
    with packed.open("rb") as source, open_anew(hdfs, path) as target:
        while piece := source.read(4 << 20):
            target.write(piece)


async def test_a_notebook_reads_and_writes_hdfs_by_spark_as_its_user(
    hadoop: MiniHadoop,
    make_hub: Any,
    pyspark: Path,
    jars: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(browser, "KERNEL_TIMEOUT_SECONDS", 300)
    published = pack_env(hadoop, sys.prefix, "--name", "spark", "--quiet")
    assert published.returncode == 0, published.stderr
    defaults = tmp_path / "spark-defaults.conf"
    defaults.write_text(DEFAULTS)
    config = CONFIG.replace("/etc/yarnhub/spark-defaults.conf", str(defaults))
    hub = make_hub(config + SERVER.format(pyspark=str(pyspark)))
    hub.start_server("alice")
    with open_anew(open_hdfs(hadoop), "/user/alice/sales.csv") as sales:
        sales.write(b"year,amount\n2025,10\n2026,20\n")
    sold = f"print('sold:', {READ_SALES.strip()}.agg({{'amount': 'sum'}}).first()[0])"
    running = "print([str(spark.sparkContext.applicationId), spark.conf.get('spark.driver.port')])"
    async with Browser(hub.url, "alice") as alice:
        await alice.log_in("any")
        await alice.open_lab()
        printed = await alice.run_cell(f"{CELL}\n{sold}\n{running}")
        told = printed.strip().splitlines()[-1]
        assert "332833500" in printed.splitlines()
        assert "sold: 30" in printed.splitlines()
        assert "'41000'" in told
        applications = {each["id"]: each for each in running_applications(hadoop, "alice")}
        assert any(name in told for name in applications)
        assert {each["applicationType"] for each in applications.values()} == {"yarnhub", "SPARK"}
    hdfs = open_hdfs(hadoop)
    written = hdfs.list_dir("/user/alice/squares")
    assert any(file.path.endswith(".parquet") for file in written)
    assert {file.owner for file in written} == {"alice"}
