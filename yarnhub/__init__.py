"""The command line tool, the embedded Hadoop and the demo.

Public are the commands of `yarnhub`, their exit codes and their JSON, and the names in `__all__` of
`yarnhub.minihadoop`. Everything else may change in any release.
"""
