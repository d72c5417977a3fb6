"""Servers that nobody has used for two hours are ended, and their memory goes back to the queue.

It needs `pip install jupyterhub-idle-culler` beside JupyterHub. A kernel at work counts as use; one
that only waits doesn't, if its tab is closed. What was not saved is lost.
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
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
