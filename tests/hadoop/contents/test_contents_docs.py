"""What docs/contents.md shows of reading HDFS from a notebook, run as it is shown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hadoop_client.hdfs.filesystem import FileSystem
from tests.hadoop.hdfs_files import open_anew

PAGE = Path(__file__).parents[3] / "docs" / "contents.md"


def test_a_notebook_reads_hdfs_as_the_page_shows(
    fs: FileSystem, as_user: Callable[..., Any]
) -> None:
    shown = re.search(r"(?:^ {6}.*\n|^\n)*^ {6}.*data = file\.read\(\)$", PAGE.read_text(), re.M)
    assert shown, "the page shows no such example"
    code = textwrap.dedent(shown[0])
    (path,) = re.findall(r'read\("(/[^"]+)"\)', code)
    fs.mkdirs(path.rpartition("/")[0])
    with open_anew(fs, path) as file:
        file.write(b"a,b\n1,2\n")
    try:
        assert as_user("alice", f"{code}\nprint(json.dumps(data.decode()))") == "a,b\n1,2\n"
    finally:
        fs.delete(path)
