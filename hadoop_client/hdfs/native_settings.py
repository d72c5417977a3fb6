"""The configuration in the form that hdfs-native understands. Pure.

hdfs-native parses site files itself, but without includes, variables, `<final>` and attributes. So
it gets our resolved properties and reads no file. It also takes values more literally than Hadoop:

- It keeps white space in values and in lists.
- It takes an address without a port for the name of a name service.
- It compares the values of some settings with their case.
"""

from __future__ import annotations

import re

from hadoop_client.configuration import Configuration, ConfigurationError

#: As hdfs-native's `config_dir` it is a place without site files.
NO_DIRECTORY = "/dev/null"

_AUTHENTICATION = "hadoop.security.authentication"
_NAMENODES = "dfs.ha.namenodes."
_ADDRESS = "dfs.namenode.rpc-address."
_MOUNTS = "fs.viewfs.mounttable."


def native_settings(configuration: Configuration) -> dict[str, str]:
    """Return hdfs-native's settings for a configuration."""
    settings = {key: value.strip() for key, value in configuration.properties().items()}
    for key, value in list(settings.items()):
        if key.startswith(_NAMENODES):
            settings[key] = ",".join(configuration.get_list(key))
            settings |= _addresses(configuration, key.removeprefix(_NAMENODES))
        elif key.startswith(_MOUNTS) or key == "fs.defaultFS":
            settings[key] = native_url(configuration, value)
    if _AUTHENTICATION in settings:
        settings[_AUTHENTICATION] = settings[_AUTHENTICATION].lower()
    return settings


def _addresses(configuration: Configuration, nameservice: str) -> dict[str, str]:
    """Return the address of each NameNode of a name service, with its port."""
    try:
        addresses = configuration.namenode_addresses(nameservice)
    except ConfigurationError:  # it matters only if this name service is used
        return {}
    names = configuration.get_list(f"{_NAMENODES}{nameservice}")
    return {
        f"{_ADDRESS}{nameservice}.{name}": _address(host, port)
        for name, (host, port) in zip(names, addresses, strict=True)
    }


def native_url(configuration: Configuration, url: str) -> str:
    """Return an HDFS URL with the port of its NameNode, unless it names several NameNodes.

    Other URLs are returned as they are.
    """
    match = re.fullmatch(r"hdfs://([^/]+)(/.*)?", url.strip())
    if match is None or configuration.has_failover(match[1]):
        return url.strip()
    [(host, port)] = configuration.namenode_addresses(match[1])
    return f"hdfs://{_address(host, port)}{match[2] or ''}"


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
