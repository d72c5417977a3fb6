"""Ends servers that have been idle for two hours, so that their memory returns to the queue.

It comes with yarnhub[hub]. A visible page of JupyterLab counts as use, and so does a kernel that
computes. Unsaved work is lost.
"""

import sys

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.YarnSpawner.python_env = "lab"
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [
            sys.executable,
            "-m",
            "jupyterhub_idle_culler",
            "--timeout=7200",
            "--cull-every=300",
        ],
        "cwd": "/",  # `python -m` also imports from its working directory
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
