"""Nothing private is published: everyone can read an environment in HDFS."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from env_packaging.build.credentials import (
    has_private_name,
    private_content,
    without_credentials,
)
from env_packaging.errors import PrefixError
from env_packaging.pack import PackOptions, pack_and_publish
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import install, make_conda, packages_of, write

ROOT = "/apps/envs"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"
PASSWORD = "[global]\nindex-url = https://build:s3cr3t@pypi.example.com/simple\n"


def closed_file(venv: Path) -> str:
    write(venv / "notes.txt", "x", 0o600)
    return r"notes.txt \(other users cannot read it here\)"


def file_in_closed_directory(venv: Path) -> str:
    write(venv / "private/notes.txt", "x").parent.chmod(0o700)
    return r"private/notes.txt \(other users cannot read it here\)"


def file_of_credentials(venv: Path) -> str:
    write(venv / ".env", "API_TOKEN=abc\n")
    return r"\.env \(its name is that of credentials\)"


def password_of_an_index(venv: Path) -> str:
    write(venv / "pip.conf", PASSWORD)
    return r"pip.conf \(it has a URL with a password\)"


def key_in_a_package_directory(venv: Path) -> str:
    write(packages_of(venv) / "site.pem", KEY)
    return r"site-packages/site.pem \(it has a private key\)"


def all_at_once(venv: Path) -> str:
    for number in range(8):
        write(venv / f"secret{number}", KEY, 0o600)
    return r"secret0 \(other users cannot read it here; it has a private key\), .* and 3 more\."


@pytest.mark.parametrize(
    "make",
    [
        closed_file,
        file_in_closed_directory,
        file_of_credentials,
        password_of_an_index,
        key_in_a_package_directory,
        all_at_once,
    ],
)
def test_a_private_file_is_refused_by_name_before_anything_is_uploaded(
    make: Callable[[Path], str], venv: Path, filesystem: LocalFileSystem
) -> None:
    message = make(venv)
    with pytest.raises(PrefixError, match=message) as refused:
        pack_and_publish(venv, "science", filesystem, ROOT)
    assert "--allow-private NAME" in str(refused.value)
    assert filesystem.calls == []


def test_a_private_file_that_is_named_is_published_and_reported(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    write(venv / "pip.conf", PASSWORD, 0o600)
    write(venv / "keys/site.pem", KEY)
    options = PackOptions(allow_private=("pip.conf", "keys/*"))
    packed = pack_and_publish(venv, "science", filesystem, ROOT, options=options)
    (finding,) = [finding for finding in packed.manifest.findings if finding.code == "private"]
    assert finding.members == ("keys/site.pem", "pip.conf")


def test_a_prefix_that_is_closed_as_a_whole_says_nothing_about_its_files(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    for path in (venv, *venv.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    assert pack_and_publish(venv, "science", filesystem, ROOT).uploaded


def test_files_of_packages_and_addresses_without_credentials_are_published(
    venv: Path, filesystem: LocalFileSystem
) -> None:
    info = install(venv, "tested")
    write(packages_of(venv) / "tested_data/test.key", KEY, 0o600)
    write(packages_of(venv) / "tested_data/.env", "EXAMPLE=1\n")
    record = "tested_data/test.key,,\ntested_data/.env,,\n../../../share/a.pem,,\n"
    write(info / "RECORD", record)
    write(venv / "share/a.pem", KEY)
    write(venv / "pip.conf", "[global]\nindex-url = https://${USER}:${PASS}@pypi.example.com/\n")
    assert pack_and_publish(venv, "science", filesystem, ROOT).uploaded


def test_records_are_published_without_credentials(
    shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    record = next((conda / "conda-meta").glob("noarch*.json"))
    values = json.loads(record.read_text())
    values["channel"] = "https://user:pa55word@conda.example.com/site"
    values["url"] = "https://conda.example.com/t/tk-0123-secret/site/noarch/x.conda"
    record.unlink()  # other environments share the file
    record.write_text(json.dumps(values))
    info = next(packages_of(conda).glob("pip_demo*.dist-info"))
    write(info / "direct_url.json", '{"url": "https://me:pa55word@example.com/x.whl"}')
    packed = pack_and_publish(conda, "science", filesystem, ROOT)
    with tarfile.open(filesystem.at(packed.path)) as archive:
        files = (archive.extractfile(member) for member in archive if member.isfile())
        content = b"".join(file.read() for file in files if file)
    for text in (content, packed.manifest.to_json().encode()):
        assert b"pa55word" not in text
        assert b"tk-0123-secret" not in text
    channels = {package.name: package.channel for package in packed.manifest.packages}
    assert channels["noarch-demo"] == "https://conda.example.com/site"


def test_variables_of_conda_with_credentials_are_refused_by_name(
    shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    variables = {"SITE_MODE": "prod", "AWS_SECRET_ACCESS_KEY": "abc"}
    write(conda / "conda-meta/state", json.dumps({"version": 1, "env_vars": variables}))
    message = r"conda-meta/state \(it has the variable AWS_SECRET_ACCESS_KEY\)"
    with pytest.raises(PrefixError, match=message):
        pack_and_publish(conda, "science", filesystem, ROOT)


@pytest.mark.parametrize(
    ("name", "private"),
    [
        (".netrc", True),
        ("home/_netrc", True),
        (".env", True),
        (".env.production", True),
        (".env.example", False),
        ("id_ed25519", True),
        ("id_ed25519.pub", False),
        ("site.keytab", True),
        (".aws/credentials", True),
        ("credentials", False),
        ("environment.py", False),
        ("pip.conf", False),
    ],
)
def test_names_of_files_with_credentials(name: str, private: bool) -> None:
    assert has_private_name(name) is private


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (KEY, "a private key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("-----BEGIN CERTIFICATE-----", ""),
        (PASSWORD, "a URL with a password"),
        ("url = https://ghp_0123456789@github.com/x", "a URL with a password"),
        ("url = ssh://git@github.com/x", ""),
        ("https://user:${PASSWORD}@host/", ""),
        ("https://<user>:<password>@host/", ""),
        ("see https://example.com/@scope:1/x@2", ""),
        ("https://conda.example.com/t/tk-0123/main", "a URL with a token"),
        ("https://conda.example.com/t/<TOKEN>/main", ""),
        ("binary \0 " + KEY, ""),
    ],
)
def test_contents_with_credentials(content: str, what: str) -> None:
    assert private_content(content.encode()) == what
    assert not private_content(without_credentials(content.encode())).startswith("a URL")
