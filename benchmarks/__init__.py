"""Every performance claim of this project, each measured by one command.

`scripts/bench NAME [--json FILE]` sets up what is needed and measures ours and its peer, or floor,
in the same run. It prints a table, and as its last line the metrics, `NAME: key=value …`. Machines
differ, and may be busy: quote ratios rather than seconds.

In a shell that has configurable-http-proxy in its PATH, `python -m benchmarks NAME` does the same.
"""
