"""Amounts of resources in the user's units, and Hadoop's text of a resource. Pure."""

from __future__ import annotations

import re

#: YARN's names for memory (in MiB), virtual cores and GPUs.
MEMORY, VCORES, GPU = "memory-mb", "vcores", "yarn.io/gpu"

#: The names of the first two in the text of a resource.
_IN_TEXT = {"memory": MEMORY, "vCores": VCORES}


def amount_text(name: str, amount: int) -> str:
    """Return an amount of the resource that YARN calls `name`, such as `2 GiB of memory`."""
    if name == MEMORY:
        return f"{amount / 1024:.3f}".rstrip("0").rstrip(".") + " GiB of memory"
    unit = {VCORES: "core", GPU: "GPU"}.get(name, name)
    return f"{amount} {unit}" + ("" if amount == 1 or "/" in unit else "s")


def memory_text(size: int) -> str:
    """Return a size in bytes such as `1.5 GiB`: in GiB from one of these on, else in MiB."""
    if size < 1 << 30:
        return f"{round(size / (1 << 20))} MiB"
    return f"{size / (1 << 30):.1f}".removesuffix(".0") + " GiB"


def parse_resource(text: str) -> dict[str, int]:
    """Read Hadoop's text of a resource, such as `<memory:4096, vCores:2, yarn.io/gpu: 1>`."""
    amounts = re.findall(r"([^<>:, ]+): ?(-?\d+)", text)
    return {_IN_TEXT.get(name, name): int(amount) for name, amount in amounts}


def amount_of(name: str, text: str) -> int:
    """Return one amount of Hadoop's text of a resource. Amounts of zero are not in the text."""
    return parse_resource(text).get(name, 0)


def resource_text(text: str) -> str:
    """Return Hadoop's text of a resource in the user's units."""
    return ", ".join(amount_text(name, amount) for name, amount in parse_resource(text).items())
