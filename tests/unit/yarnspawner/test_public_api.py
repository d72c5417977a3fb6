from __future__ import annotations

import subprocess
import sys

import pytest

import yarnspawner


def test_all_that_is_public_can_be_imported_and_is_documented():
    assert yarnspawner.__doc__ is not None
    for name in yarnspawner.__all__:
        assert getattr(yarnspawner, name).__name__ == name
        assert f"- `{name}`: " in yarnspawner.__doc__


def test_anything_else_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        yarnspawner.Nothing  # noqa: B018


def test_the_package_is_imported_without_jupyterhub():
    program = "import sys, yarnspawner; sys.exit('jupyterhub' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
