"""Hadoop's protocols in Python, standard library only.

The hub uses all of it. A container gets `wire`, `credentials`, `sasl`, `rpc`, `blocking` and
`applicationmaster` as source, compiled anew at every start: so these are small, import little, and
nothing here imports anything of ours from outside of this package.
"""
