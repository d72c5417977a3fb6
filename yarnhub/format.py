"""How commands show durations and sizes."""

from __future__ import annotations


def age(seconds: float) -> str:
    """Format a duration in its largest unit: 5s, 17m, 3h or 2d."""
    whole = max(0, int(seconds))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= length:
            return f"{whole // length}{unit}"
    return f"{whole}s"


def megabytes(size_bytes: int) -> str:
    """Format a size in megabytes."""
    return f"{size_bytes / 1e6:,.1f} MB"


def gibibytes(megabytes: int) -> str:
    """Format an amount in MiB as a number of GiB with one decimal."""
    return f"{megabytes / 1024:.1f}"
