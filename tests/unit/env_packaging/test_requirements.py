"""What a manifest records of a requirements.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from env_packaging.build.requirements import missing_files, recorded

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
    ],
)
def test_requirements_that_do_not_stand_by_themselves_are_not_recorded(line: str) -> None:
    assert recorded(f"pandas\n{line}\n") == ()


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
