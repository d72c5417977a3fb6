"""`yarnhub check`: what is wrong with an edge node, before people find out.

- `findings`: what a check says: a verdict, why, and what to do.
- `verdicts`: from facts to findings. Pure.
- `gather`: the facts, from YARN, HDFS and this machine.
- `contents`: a notebook root tried end to end.
"""
