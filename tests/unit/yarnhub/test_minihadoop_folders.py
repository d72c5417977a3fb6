"""The directories that an embedded HDFS gets, whatever its users are called."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from yarnhub.minihadoop import folders


@pytest.mark.parametrize("user", [r"corp\erin", "a b", "a?b#c", "a%20b", "数据"])
def test_a_home_is_made_for_a_user_of_any_name(user: str, monkeypatch: pytest.MonkeyPatch):
    urls: list[str] = []
    monkeypatch.setattr(folders, "put", urls.append)
    folders.make_folders("http://nn:9870", (user,), root="hdfs")
    homes = [url for url in urls if unquote(urlsplit(url).path) == f"/webhdfs/v1/user/{user}"]
    queries = [parse_qs(urlsplit(url).query) for url in homes]
    assert [query["op"] for query in queries] == [["MKDIRS"], ["SETOWNER"], ["SETPERMISSION"]]
    assert queries[1]["owner"] == [user]
    assert all(url.isascii() for url in urls)
