"""Several hubs on one cluster, for example one for each department; here on one edge node.

    mkdir -p research teaching
    (cd research && HUB=research jupyterhub -f ../several_hubs.py)
    (cd teaching && HUB=teaching jupyterhub -f ../several_hubs.py)

Each hub has its own directory with its database and secret. The secret marks its applications in
YARN, so that it finds and ends only those. `yarnhub apps` shows the servers of all hubs.
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
