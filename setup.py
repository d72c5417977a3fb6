"""Adds JupyterLab's extension to the distribution; setup.cfg has everything else.

The extension is built from `labextension/`, with Node.js. A machine without Node.js uses what has
been built before, as in a source distribution, or makes a wheel without the extension.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SOURCE = Path("labextension")
BUILT = SOURCE / "dist"
INSTALLED = "share/jupyter/labextensions/yarnhub"

WITHOUT = """
*********************************************************************************************
This distribution of yarnhub has NO extension for JupyterLab, because {reason}.
JupyterLab will show neither memory nor time left. Install Node.js and npm, and build it again.
*********************************************************************************************
"""


def build() -> str:
    """Build the extension if its source is here; returns why that failed, and else nothing."""
    if not (SOURCE / "package.json").exists():
        return "its source is not here"
    npm = shutil.which("npm")
    if npm is None:
        return "npm is missing"
    install = [npm, "ci", "--silent", "--ignore-scripts", "--no-fund", "--no-audit"]
    for command in (install, [npm, "run", "--silent", "build"]):
        if subprocess.run(command, cwd=SOURCE, check=False).returncode:
            return f"this failed: {' '.join(command)}"
    return ""


def data_files() -> list[tuple[str, list[str]]]:
    """Return the built files by the directory that they are installed in."""
    directories: dict[str, list[str]] = {}
    for file in sorted(BUILT.rglob("*")):
        if file.is_file():
            directory = Path(INSTALLED) / file.parent.relative_to(BUILT)
            directories.setdefault(directory.as_posix(), []).append(file.as_posix())
    return list(directories.items())


class BuildWithExtension(build_py):
    """The build of the Python packages, after that of the extension."""

    def run(self) -> None:
        """Build both."""
        failure = build()
        built = data_files()
        if not built:
            sys.stderr.write(WITHOUT.format(reason=failure))
        self.distribution.data_files = [*(self.distribution.data_files or []), *built]
        super().run()


setup(cmdclass={"build_py": BuildWithExtension})
