"""The output of Hadoop's own classes, by name: see golden/Golden.java."""

from __future__ import annotations

from pathlib import Path

GOLDEN = {
    name: bytes.fromhex(data)
    for name, data in (
        line.split(" ")
        for line in (Path(__file__).parent / "golden/golden.txt").read_text().splitlines()
    )
}
