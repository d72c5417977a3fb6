"""A notebook server with its files in HDFS, over HTTP."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest

from tests.hadoop.contents.notebook_server import TOKEN, command, environment, put
from tests.unit.hdfs_contents.manager.models import notebook, text
from yarnhub.minihadoop import MiniHadoop


@pytest.mark.smoke
def test_a_notebook_lives_from_its_creation_to_its_end(server: httpx.Client) -> None:
    made = server.post("/api/contents", json={"type": "notebook"})
    assert (made.status_code, made.json()["path"]) == (201, "Untitled.ipynb")
    saved = put(server, "Untitled.ipynb", notebook("1 + 1"))
    got = server.get("/api/contents/Untitled.ipynb", params={"hash": 1})
    assert (saved.status_code, got.status_code) == (200, 200)
    assert got.json()["last_modified"] == saved.json()["last_modified"]
    assert got.json()["content"]["cells"][0]["source"] == "1 + 1"
    checkpoints = "/api/contents/Untitled.ipynb/checkpoints"
    assert server.post(checkpoints).status_code == 201
    put(server, "Untitled.ipynb", notebook("2"))
    assert server.post(f"{checkpoints}/checkpoint").status_code == 204
    renamed = server.patch("/api/contents/Untitled.ipynb", json={"path": "b.ipynb"})
    assert renamed.json()["path"] == "b.ipynb"
    assert server.get("/api/contents/b.ipynb").json()["content"]["cells"][0]["source"] == "1 + 1"
    copy = server.post("/api/contents", json={"copy_from": "b.ipynb"})
    assert copy.json()["path"] == "b-Copy1.ipynb"
    for path in ("b.ipynb", "b-Copy1.ipynb"):
        assert server.delete(f"/api/contents/{path}").status_code == 204
        assert server.get(f"/api/contents/{path}").status_code == 404


def test_a_refusal_is_a_sentence_in_json(server: httpx.Client) -> None:
    put(server, "a.txt", text("a"))
    refused = {
        put(server, "x/a.txt", text("a")): (404, "x/a.txt: the directory above it does not exist"),
        put(server, "a:b", text("a")): (
            400,
            "'/a:b' contains a colon, which HDFS does not allow in names",
        ),
        server.patch("/api/contents/a.txt", json={"path": "../a"}): (
            404,
            "'../a' is outside the root directory",
        ),
        server.post("/api/contents/a.txt/checkpoints/x"): (404, "a.txt has no checkpoint 'x'"),
    }
    for answer, (status, message) in refused.items():
        assert (answer.status_code, answer.json()["message"]) == (status, message)


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 100_000, b'{"type": ' + b"[" * 1_000_000],
    ids=["cut off", "deep", "deeper"],
)
def test_a_body_that_is_no_json_is_a_bad_request_and_makes_nothing(
    server: httpx.Client, body: bytes
) -> None:
    assert server.put("/api/contents/broken.txt", content=body).status_code == 400
    assert server.get("/api/contents/broken.txt").status_code == 404


@pytest.mark.parametrize("size", [0, 5, 5 * 1024 * 1024 + 7])
def test_a_download_is_the_file_byte_for_byte(server: httpx.Client, size: int) -> None:
    data = (b"0123456789abcde\n" * (size // 16 + 1))[:size]
    put(server, "a.txt", text(data.decode()))
    answer = server.get("/files/a.txt")
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-length"] == str(size)
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    head = server.head("/files/a.txt")
    assert (head.content, head.headers["content-length"]) == (b"", str(size))


def test_a_page_is_shown_in_a_sandbox_and_saved_under_its_name(server: httpx.Client) -> None:
    put(server, "page ä.html", text("<script>alert(1)</script>"))
    shown = server.get("/files/page ä.html")
    assert shown.headers["content-type"] == "text/html"
    assert "sandbox allow-scripts" in shown.headers["content-security-policy"]
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "content-disposition" not in shown.headers
    saved = server.get("/files/page ä.html", params={"download": 1})
    assert saved.headers["content-disposition"] == (
        "attachment; filename*=utf-8''page%20%C3%A4.html"
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("x", 404),
        ("..%2f..%2fbob%2fx", 404),
        ("%252e%252e/x", 404),
        (".hidden", 404),
        (".ipynb_checkpoints/a-checkpoint.txt", 404),
        ("d", 400),
        ("a:b", 400),
        ("a%00b", 400),
    ],
)
def test_what_is_no_file_for_this_person_is_not_downloaded(
    server: httpx.Client, path: str, status: int
) -> None:
    put(server, "d", {"type": "directory"})
    put(server, "a.txt", text("a"))
    server.post("/api/contents/a.txt/checkpoints")
    assert server.get(f"/files/{path}").status_code == status


def test_nobody_downloads_without_the_token(server: httpx.Client) -> None:
    put(server, "a.txt", text("a"))
    answer = httpx.get(f"{server.base_url}files/a.txt", trust_env=False, timeout=60)
    assert answer.status_code == 302
    assert "/login" in answer.headers["location"]


def test_a_page_of_another_site_gets_no_download_with_a_persons_cookie(
    server: httpx.Client,
) -> None:
    put(server, "a.txt", text("a"))
    with httpx.Client(base_url=server.base_url, trust_env=False, timeout=60) as browser:
        browser.get("/login", params={"token": TOKEN})
        own = browser.get("/files/a.txt", headers={"Referer": str(server.base_url)})
        other = browser.get("/files/a.txt", headers={"Referer": "http://elsewhere.example/"})
    assert (own.status_code, other.status_code) == (200, 403)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"HADOOP_CONF_DIR": None, "HADOOP_HOME": None},
            'set c.YarnSpawner.environment = {"HADOOP_CONF_DIR": "/etc/hadoop/conf"}',
        ),
        ({"HADOOP_USER_NAME": "carol"}, "hdfs dfs -chown carol /user/carol"),
    ],
)
def test_a_server_that_has_no_hdfs_says_so_in_one_line_and_exits(
    changes: dict[str, str | None], sentence: str, hadoop: MiniHadoop, tmp_path: Path
) -> None:
    variables = {**environment(hadoop, tmp_path, "alice"), **changes}
    done = subprocess.run(
        command(tmp_path),
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stdout + done.stderr
