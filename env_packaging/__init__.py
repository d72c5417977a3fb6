"""Packs Python environments, publishes them in HDFS and finds them there.

Public: `env_packaging.pack` (pack and publish), `env_packaging.registry` (find by name),
`env_packaging.manifest`, `env_packaging.errors`, and the command `yarnhub pack-env`.
"""
