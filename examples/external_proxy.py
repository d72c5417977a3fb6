"""The proxy as a service of its own: open notebooks stay connected while the hub is restarted.

configurable-http-proxy.service runs the proxy. Both are told one secret, made once by

    (umask 077; echo CONFIGPROXY_AUTH_TOKEN=$(openssl rand -hex 32) > /etc/jupyterhub/proxy.env)

which the hub's own unit reads too (EnvironmentFile=/etc/jupyterhub/proxy.env).
"""

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.cleanup_servers = False  # servers go on, and so do the proxy's routes to them
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"
c.JupyterHub.hub_bind_url = "http://:8081"
c.YarnSpawner.python_env = "lab"
