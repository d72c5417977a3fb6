"""YarnSpawner: JupyterHub's servers as YARN applications."""

from yarnspawner.spawner import YarnSpawner

__all__ = ["YarnSpawner"]
