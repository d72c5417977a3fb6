"""The hub of docker-compose.yml: like one on a real edge node, except for the log-in.

The first start creates one password for all users, in the file `password` next to the database.
"""

import os
import secrets
from pathlib import Path

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.bind_url = "http://0.0.0.0:8000"
c.JupyterHub.hub_ip = "0.0.0.0"  # servers call the hub from the nodes,
c.JupyterHub.hub_connect_ip = "edge"  # and this is how they reach it
c.JupyterHub.cleanup_servers = False  # servers outlive a restart of the hub
c.YarnSpawner.python_env = "lab"
c.YarnSpawner.mem_limit = "1G"
c.YarnSpawner.cpu_limit = 1

if "kerberos" in os.environ["COMPOSE_PROFILES"].split(","):
    c.YarnSpawner.keytab = os.environ["KRB5_CLIENT_KTNAME"]

password = Path.home() / "password"
if not password.exists():
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(9) + "\n")
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = password.read_text().strip()
c.Authenticator.allowed_users = set(os.environ["YARNHUB_USERS"].split())
