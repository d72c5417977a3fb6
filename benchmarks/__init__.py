"""Every figure that this project claims, each by one command.

`python -m benchmarks NAME [--json FILE]` measures ours beside its peer or floor in the same run,
prints a table, and ends with one line `NAME: key=value …`. Machines differ and are busy: quote the
ratios, not the seconds.
"""
