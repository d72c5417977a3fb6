"""`yarnhub check`: finds the faults of an edge node before its users do.

- `results`: the result of a check: a verdict, its reason, and a remedy.
- `verdicts`: from facts to results. Pure.
- `facts`: the facts, from YARN, HDFS and this machine.
- `contents`: an end-to-end check of a notebook root.
"""
