"""Packs Python environments, publishes them in HDFS and finds them there.

Public are the names in `__all__` of `env_packaging.pack` (pack and publish), `registry` (find by
name), `publish` (aliases), `manifest` and `errors`, and the command `yarnhub pack-env`. Everything
else may change in any release.
"""
