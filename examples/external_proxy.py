"""Runs the proxy as a separate service: open notebooks stay connected while the hub restarts.

configurable-http-proxy.service runs the proxy. The proxy and the hub share a secret. Create it
once:

    (umask 077; echo CONFIGPROXY_AUTH_TOKEN=$(openssl rand -hex 32) > /etc/jupyterhub/proxy.env)

The hub's unit reads the same file (EnvironmentFile=/etc/jupyterhub/proxy.env).
"""

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.cleanup_servers = False  # servers and their routes outlive the hub
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"
c.JupyterHub.hub_bind_url = "http://:8081"
c.YarnSpawner.python_env = "lab"
