"""`python -m benchmarks NAME [--json FILE]`."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path

from rich.console import Console

from benchmarks.frame import Result

NAMES = ("burst", "contents", "mount", "pack", "poll", "scale", "spawn", "tokens")


def main() -> None:
    """Run one benchmark, and print its samples and metrics."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the result to FILE")
    arguments = parser.parse_args()
    console = Console()
    benchmark = importlib.import_module(f"benchmarks.{arguments.name}")
    result: Result = benchmark.run(console)
    console.print(result.table())
    if arguments.json:
        arguments.json.write_text(json.dumps(result.as_json(), indent=2) + "\n")
    # Not with the console, which would wrap this line, and scripts read it.
    print(f"{arguments.name}: {result.summary()}")  # noqa: T201


if __name__ == "__main__":
    main()
