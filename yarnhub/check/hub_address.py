"""The address that servers call the hub at, from the hub's configuration.

JupyterHub itself computes it, so that it is the one that servers get: its options for addresses
have defaults and an order that differ between its versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from traitlets.config.loader import Config

#: The options of JupyterHub that the address depends on.
OPTIONS = (
    *("bind_url", "ip", "port", "base_url", "public_url", "subdomain_host", "ssl_key", "ssl_cert"),
    *("hub_bind_url", "hub_ip", "hub_port", "hub_prefix", "internal_ssl"),
    *("hub_connect_url", "hub_connect_ip", "hub_connect_port"),
)


class HubAddress(NamedTuple):
    """The URL of the hub's API for servers, and the address that the hub listens at.

    `listen` is None if that is a Unix socket. Its host is empty for all addresses.
    """

    api_url: str
    listen: tuple[str, int] | None


def hub_address(config: Config) -> HubAddress:
    """Return the address of a hub with this configuration; raises ImportError without JupyterHub.

    Raises ValueError for an option with a wrong value.
    """
    from jupyterhub.app import JupyterHub
    from jupyterhub.utils import url_path_join
    from traitlets import TraitError
    from traitlets.config.loader import Config

    given = config.JupyterHub
    options = {name: given[name] for name in OPTIONS if name in given}
    try:
        app = JupyterHub(config=Config(JupyterHub=options))
        app.init_hub()
    except TraitError as error:
        raise ValueError(str(error)) from error
    api_url = str(app.hub.api_url)
    # The spawner's own option replaces the host, as in `Spawner.get_env`.
    for_servers = config.YarnSpawner.get("hub_connect_url", config.Spawner.get("hub_connect_url"))
    if for_servers is not None:
        api_url = url_path_join(for_servers, urlsplit(api_url).path)
    is_unix_socket = app.hub.bind_url.startswith("http+unix:")
    return HubAddress(api_url, None if is_unix_socket else (app.hub.ip, app.hub.port))
