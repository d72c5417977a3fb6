"""What docs/contents.md shows of reading HDFS from a notebook, run as it is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hadoop_client.hdfs.filesystem import FileSystem
from tests.hadoop.hdfs_files import open_anew

PAGE = Path(__file__).parents[3] / "docs" / "contents.md"


def test_a_notebook_reads_hdfs_as_the_page_shows(
    fs: FileSystem, as_user: Callable[..., Any]
) -> None:
    (code,) = re.findall(r"```py\n(.*?)```", PAGE.read_text(), re.S)
    (path,) = re.findall(r'read\("(/[^"]+)"\)', code)
    fs.mkdirs(path.rpartition("/")[0])
    with open_anew(fs, path) as file:
        file.write(b"a,b\n1,2\n")
    try:
        assert as_user("alice", f"{code}print(json.dumps(data.decode()))") == "a,b\n1,2\n"
    finally:
        fs.delete(path)
