"""People log in with their password on the edge node, by PAM; who has no account there gets one.

Who somebody is in Hadoop is their name here. On the nodes they need an account where YARN has the
LinuxContainerExecutor, as it always has with Kerberos; with the default executor they need none. An
account that is made here has no password yet: `passwd NAME` gives it one, where it comes from no
directory.
"""

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.create_system_users = True  # needs a hub that runs as root
c.Authenticator.allowed_users = {"alice", "bob"}
c.YarnSpawner.python_env = "lab"
