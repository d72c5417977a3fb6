"""Several hubs on one cluster, as for two departments, here on one edge node too.

    mkdir -p research teaching
    (cd research && HUB=research jupyterhub -f ../several_hubs.py)
    (cd teaching && HUB=teaching jupyterhub -f ../several_hubs.py)

Each has its own folder, with its own database and secret. By that secret it marks its applications
in YARN: it finds and ends its own only. `yarnhub apps` shows the servers of all.
"""

import os

# The first of ten ports, and the queue.
HUBS = {"research": (8100, "research"), "teaching": (8200, "default")}

c = get_config()  # noqa: F821

port, queue = HUBS[os.environ["HUB"]]
c.JupyterHub.bind_url = f"http://:{port}/{os.environ['HUB']}/"
c.JupyterHub.hub_bind_url = f"http://:{port + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.spawner_class = "yarn"
c.YarnSpawner.python_env = "lab"
c.YarnSpawner.queue = queue
