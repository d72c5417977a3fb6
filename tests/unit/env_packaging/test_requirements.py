"""What a manifest records of a requirements.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from env_packaging.build.requirements import missing_files, names_source, pins, recorded
from env_packaging.manifest import Package

ALL_KINDS = """\
# for the course
--index-url https://alice:secret@packages.example.org/simple
--pre
pandas>=2  # tables
polars [all] ; python_version > "3.9"
yarnhub[notebook] @ file:///srv/dist/yarnhub-0.1.0-py3-none-any.whl
/srv/dist/other-1.0-py3-none-any.whl[extra]
numpy \\
  <3
"""


def test_requirements_are_recorded_without_comments_and_credentials() -> None:
    assert recorded(ALL_KINDS) == (
        "--index-url https://packages.example.org/simple",
        "--pre",
        "pandas>=2",
        'polars [all] ; python_version > "3.9"',
        "yarnhub[notebook] @ file:///srv/dist/yarnhub-0.1.0-py3-none-any.whl",
        "/srv/dist/other-1.0-py3-none-any.whl[extra]",
        "numpy    <3",
    )


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "-c constraints.txt",
        "--constraint=constraints.txt",
        "-e .",
        "--find-links dist",
        "--require-hashes",
        "pandas==2.2 --hash=sha256:0123",
        "./dist/demo",
        "demo-1.0-py3-none-any.whl",
        "../demo.zip ; python_version > '3'",
        "./demo ; python_version > '://'",
        "demo[all] @ ./dist/demo",
        "demo.tgz",
        ".",
        "pandas -r /etc/other.txt",
        "pandas\\\r-r /etc/other.txt",
        "--pre -r /etc/other.txt",
        "--pre\t-r/etc/other.txt",
        "--no-index --find-links dist",
        "--no-index=-r /etc/other.txt",
        "--index-url https://example.org -r /etc/other.txt",
        "--index-url https://example.org /etc/other",
        "--only-binary=:all: --find-links=dist",
        "--trusted-host '-r' x",
        "-i",
        "pandas==${VERSION}",
        "demo @ https://example.org/${AWS_SECRET_ACCESS_KEY}/demo.whl",
        "--index-url https://example.org/${TOKEN}",
    ],
)
def test_requirements_that_do_not_stand_by_themselves_are_not_recorded(line: str) -> None:
    assert recorded(f"pandas\n{line}\n") == ()


def test_variables_with_credentials_are_left_out_like_credentials() -> None:
    lines = recorded("-i https://${NAME}:${TOKEN}@packages.example.org/simple\npandas")
    assert lines == ("-i https://packages.example.org/simple", "pandas")


def test_options_with_one_value_are_recorded() -> None:
    lines = (
        *("--no-index", "--pre", "--prefer-binary", "--only-binary=:all:", "--no-binary a,b"),
        *("-i https://example.org", "--extra-index-url=https://example.org", "--trusted-host a"),
    )
    assert recorded("\n".join(lines)) == lines


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pandas>=2,<3", False),
        ("pandas (>=2)", False),
        ('polars[all]>=1; python_version > "3.9"', False),
        ("--pre", False),
        ("--no-index", False),
        ("--only-binary=:all:", False),
        ("-i https://example.org/simple", True),
        ("--index-url=localhost:8080", True),
        ("--extra-index-url https://example.org/simple", True),
        ("--trusted-host example.org", True),
        ("demo@https://example.org/demo.whl", True),
        ("git+https://example.org/demo", True),
        ("demo[all] @ file:///srv/demo.whl", True),
        ("/srv/demo.whl", True),
    ],
)
def test_lines_that_name_a_place_of_packages_are_known(line: str, expected: bool) -> None:
    assert recorded(line) == (line,)
    assert names_source(line) == expected


def test_files_that_requirements_name_are_looked_for(tmp_path: Path) -> None:
    wheel = tmp_path / "a wheel.whl"
    wheel.touch()
    lines = [
        "pandas",
        "demo @ https://example.org/demo.whl",
        f"here @ {wheel.as_uri()}",
        f"{tmp_path}/gone.whl[extra]",
        "away @ file:///srv/no%20such.whl ; python_version > '3'",
        "--index-url https://example.org/simple",
    ]
    assert list(missing_files(lines)) == [f"{tmp_path}/gone.whl", "/srv/no such.whl"]


def test_only_names_and_versions_are_pinned() -> None:
    packages = [
        Package("zope.interface", "1!2.0.post1+local-1"),
        Package("evil @ https://example.org/evil.whl #", "1.0"),
        Package("-i https://example.org #", "1.0"),
        Package("evil", "1.0\n-i https://example.org"),
        Package("evil", "1.0\n"),
        Package("evil", "${TOKEN}"),
    ]
    assert pins(packages) == ("zope.interface==1!2.0.post1+local-1",)
