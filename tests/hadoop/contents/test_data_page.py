"""What docs/data.md shows of reading HDFS without the mount, run as it is shown."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hadoop_client.hdfs.filesystem import FileSystem
from tests.hadoop.hdfs_files import open_anew

PAGE = Path(__file__).parents[3] / "docs" / "data.md"
EXAMPLES = dict(re.findall(r"## (\w+)\n\n```py\n(.*?)```", PAGE.read_text(), re.DOTALL))
SALES = "/user/alice/sales.csv"

#: The value of each example's last line.
VALUES = {
    "pandas": "30",
    "Polars": "30",
    "PyArrow": "{'amount': [10, 20]}",
    "DuckDB": "[(30,)]",
    "Dask": "30",
}

# The interpreter is left without its clean-up: before Python 3.14 it ends threads that wait for it
# then, and a thread of Arrow that still holds a Python file aborts the process if it is ended.
RUN = """
import ast, os
tree = ast.parse({code!r})
last = ast.Expression(tree.body.pop().value)
exec(compile(tree, "page", "exec"))
print(json.dumps(str(eval(compile(last, "page", "eval")))), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries of the page, which yarnhub does not need."""
    folder = tmp_path_factory.mktemp("libraries")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)),
            *("pandas", "polars", "duckdb", "dask[dataframe]"),
        ],
        check=True,
    )
    return folder


@pytest.fixture
def sales(fs: FileSystem) -> Iterator[str]:
    """The file of the examples."""
    with open_anew(fs, SALES) as file:
        file.write(b"year,amount\n2025,10\n2026,20\n")
    yield SALES
    fs.delete(SALES)


def test_each_example_is_run():
    assert EXAMPLES.keys() == VALUES.keys()


@pytest.mark.heavy  # downloads the libraries
@pytest.mark.parametrize("name", VALUES)
def test_a_library_reads_hdfs_as_the_page_shows(
    name: str,
    sales: str,
    libraries: Path,
    as_user: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("PYTHONPATH", str(libraries), prepend=":")
    assert as_user("alice", RUN.format(code=EXAMPLES[name])) == VALUES[name]


def test_pyarrow_reads_hdfs_as_the_page_shows(sales: str, as_user: Callable[..., Any]):
    assert as_user("alice", RUN.format(code=EXAMPLES["PyArrow"])) == VALUES["PyArrow"]
