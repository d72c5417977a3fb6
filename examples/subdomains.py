"""Gives each user a host name: Alice's server is at alice.hub.example.com.

A browser separates the pages of different hosts. So a notebook from another user cannot act in
Alice's name on the hub when she opens it, and a page of Bob's cannot act on her server.

DNS must resolve *.hub.example.com to the hub, and the certificate must include it.
"""

c = get_config()  # noqa: F821

c.JupyterHub.spawner_class = "yarn"
c.JupyterHub.subdomain_host = "https://hub.example.com"
c.JupyterHub.bind_url = "https://:443"
c.JupyterHub.ssl_cert = "/etc/pki/hub.crt"
c.JupyterHub.ssl_key = "/etc/pki/hub.key"
c.JupyterHub.cleanup_servers = False
c.YarnSpawner.python_env = "lab"
