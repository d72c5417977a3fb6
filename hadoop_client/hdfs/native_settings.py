"""The configuration in the form that hdfs-native understands. Pure.

hdfs-native parses site files itself, but without includes, variables, `<final>` and attributes. So
it gets our resolved properties and reads no file. It also takes values more literally than Hadoop:

- It keeps white space in values and in lists.
- It takes an address without a port for the name of a name service.
- It requires a fallback in the mount table of a viewfs, and knows no `linkMergeSlash`.
- It compares the values of some settings with their case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from hadoop_client.configuration import Configuration, ConfigurationError

#: As hdfs-native's `config_dir` it is a place without site files.
NO_DIRECTORY = "/dev/null"

#: No name in HDFS has a colon. So a path outside of all mounts can be neither read nor created.
IMPOSSIBLE_PATH = "/outside:of:all:mounts"

#: The ends of the properties for paths outside of all links.
_FALLBACKS = ("linkFallback", "linkMergeSlash")

_AUTHENTICATION = "hadoop.security.authentication"
_NAMENODES = "dfs.ha.namenodes."
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
        if key.startswith(_MOUNTS) and key.endswith(_FALLBACKS):
            settings[f"{key.rpartition('.')[0]}.{_FALLBACKS[0]}"] = settings[key]
    for name, link in _without_fallback(settings).items():
        settings[f"{_MOUNTS}{name}.{_FALLBACKS[0]}"] = (
            "/".join(link.split("/")[:3]) + IMPOSSIBLE_PATH
        )
    if _AUTHENTICATION in settings:
        settings[_AUTHENTICATION] = settings[_AUTHENTICATION].lower()
    return settings


def _without_fallback(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the target of some link of each mount table that has no fallback, by its name."""
    tables: dict[str, str] = {}
    for key, value in settings.items():
        name, dot, _ = key.removeprefix(_MOUNTS).partition(".link./")
        if dot and value.startswith("hdfs://"):
            tables[name] = value
    return {
        name: link
        for name, link in tables.items()
        if f"{_MOUNTS}{name}.{_FALLBACKS[0]}" not in settings
    }


def _addresses(configuration: Configuration, nameservice: str) -> dict[str, str]:
    """Return the address of each NameNode of a name service, with its port."""
    try:
        addresses = configuration.namenode_addresses(nameservice)
    except ConfigurationError:  # it matters only if this name service is used
        return {}
    suffixes = configuration.namenode_suffixes(nameservice)
    return {
        f"dfs.namenode.rpc-address{suffix}": _address(host, port)
        for suffix, (host, port) in zip(suffixes, addresses, strict=True)
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
