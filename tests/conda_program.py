"""As much of conda's command line as packing uses, for a machine that has no conda: rattler makes
the environment, from the channel and the packages that the file names.

    conda env create --prefix PREFIX --file FILE
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.conda_packages import make_environment

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    create = parser.add_subparsers(required=True).add_parser("env").add_subparsers(required=True)
    options = create.add_parser("create")
    options.add_argument("--prefix", type=Path, required=True)
    options.add_argument("--file", type=Path, required=True)
    arguments = parser.parse_args()
    entries = re.findall(r"^  - (.*)$", arguments.file.read_text(), re.M)
    (channel,) = [each.removeprefix("file://") for each in entries if "://" in each]
    names = [each for each in entries if "://" not in each]
    make_environment(Path(channel), arguments.prefix, names)
