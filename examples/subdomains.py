"""A host name for each person: Alice's server is at alice.hub.example.com.

A browser keeps what pages of one host know from pages of another. So a notebook that Alice opens,
whoever wrote it, can't act in her name on the hub, nor Bob's on her server.

DNS has to lead *.hub.example.com to the hub, and the certificate has to be good for it.
"""

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.subdomain_host = "https://hub.example.com"
c.JupyterHub.bind_url = "https://:443"
c.JupyterHub.ssl_cert = "/etc/pki/hub.crt"
c.JupyterHub.ssl_key = "/etc/pki/hub.key"
c.JupyterHub.cleanup_servers = False
c.YarnSpawner.python_env = "lab"
