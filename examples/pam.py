"""Logs users in with their password on the edge node (PAM), and creates missing accounts.

The user's name here is their name in Hadoop. With YARN's LinuxContainerExecutor, which clusters
with Kerberos always have, users also need an account on the nodes. With the default executor they
do not. An account that is created here has no password: set one with `passwd NAME`, unless it comes
from a directory service.
"""

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.create_system_users = True  # needs a hub that runs as root
c.Authenticator.allowed_users = {"alice", "bob"}
c.YarnSpawner.python_env = "lab"
