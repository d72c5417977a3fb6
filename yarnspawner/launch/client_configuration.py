"""The hub's Hadoop configuration, for servers on nodes that have none for users.

A container inherits the NodeManager's HADOOP_CONF_DIR. Some managers of clusters, such as Cloudera
Manager, give each daemon a private directory. So the hub's site files travel with each launch, and
a server uses them if it cannot read the node's own (`yarnspawner.container.server`).

The files become readable by all users of the hub. So a property whose value is a secret does not
travel. Of a file that not every user may read on the hub, only the properties travel that a client
needs to reach the cluster.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

from hadoop_client.configuration import SITE_FILES, VARIABLE, site_directory
from hadoop_client.site_files import Property, existing_files, read_file
from yarnspawner.container.payload import CONFIGURATION_DIRECTORY

#: Larger configurations do not travel: the ResourceManager stores each launch.
MOST_BYTES = 128 << 10

#: Names of properties whose values are secrets. It finds the secrets of Hadoop's own list. That has
#: the names of encryption algorithms too, without which a server would write unencrypted data.
_SENSITIVE = re.compile(
    r"secret|password|passwd|pass$|credential$|token$|access[.-]?key|account\.key|private\.?key"
    r"|encryption\.key$|client-provided|session\.key|api\.?key|oauth.*token|(zk|zookeeper)[.-]auth$"
    r"|fs\.azure\.sas\.|fs\.(azure|adl)\.oauth2|fs\.gs\.(auth|encryption|proxy)",
    re.IGNORECASE,
)

#: The property with which a site replaces Hadoop's own list: regular expressions.
_SENSITIVE_KEYS = "hadoop.security.sensitive-config-keys"

#: Names of properties by which a client finds the cluster's services and talks to them.
_NEEDED = re.compile(
    r"fs\.(defaultFS|permissions\.umask-mode|viewfs\..+)"
    r"|dfs\.(nameservices|replication|blocksize|user\.home\.dir\.prefix|client\..+"
    r"|ha\.namenodes\..+|namenode\.rpc-address(\..+)?|(name|data)node\.kerberos\.principal(\..+)?"
    r"|block\.access\.token\.enable|encrypt\.data\.transfer(\..+)?|data\.transfer\.protection)"
    r"|hadoop\.(rpc\.protection|security\.(authentication|authorization|auth_to_local(\..+)?"
    r"|crypto\..+|key\.provider\.path|token\.service\.use_ip))"
    r"|yarn\.resourcemanager\.((scheduler\.)?address(\..+)?|hostname(\..+)?|principal(\..+)?"
    r"|cluster-id|ha\.(enabled|rm-ids))"
)


def client_files(directory: Path | None = None) -> dict[str, bytes]:
    """Return the site files for servers, by their paths in the container's directory.

    Includes are resolved and variables are not, because some depend on the user. Empty if they are
    too large. Raises ConfigurationError.
    """
    found = {
        file.name: list(read_file(file))
        for file in existing_files(directory or site_directory(), SITE_FILES)
    }
    properties = list(chain.from_iterable(found.values()))
    public = {file for file in {item.file for item in properties} if _is_public(file)}
    needed, secret = _needed(properties), _secret(properties)
    files = {
        f"{CONFIGURATION_DIRECTORY}/{name}": _site_file(
            item
            for item in contained
            if item.name not in secret and (item.file in public or item.name in needed)
        )
        for name, contained in found.items()
    }
    return files if sum(map(len, files.values())) <= MOST_BYTES else {}


def _needed(properties: Sequence[Property]) -> set[str]:
    """Return the names of the properties that a client needs, and of those in their values."""
    names = {item.name for item in properties if _NEEDED.fullmatch(item.name)}
    named = names
    while named:
        values = (item.value or "" for item in properties if item.name in named)
        named = {name for value in values for name in VARIABLE.findall(value)} - names
        names |= named
    return names


def _secret(properties: Sequence[Property]) -> set[str]:
    """Return the names of the properties whose values are secrets, by our names and the site's."""
    patterns = [_SENSITIVE]
    for item in properties:
        if item.name == _SENSITIVE_KEYS:
            patterns += map(_pattern, filter(None, re.split(r"[,\s]+", item.value or "")))
    names = {item.name for item in properties}
    return {name for name in names if any(pattern.search(name) for pattern in patterns)}


def _pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression of Java; one that Python does not have is taken literally."""
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(text), re.IGNORECASE)


def _is_public(file: str) -> bool:
    """Return whether each user of this machine may read a file, by its mode and by those of all
    directories above it. What a web server returns is public."""
    if file.startswith(("http://", "https://")):
        return True
    try:
        path = Path(file).resolve(strict=True)
        return bool(path.stat().st_mode & stat.S_IROTH) and all(
            above.stat().st_mode & stat.S_IXOTH for above in path.parents
        )
    except OSError:
        return False


def _site_file(properties: Iterable[Property]) -> bytes:
    root = ElementTree.Element("configuration")
    for name, value, is_final, _ in properties:
        if value is None:
            continue
        element = ElementTree.SubElement(root, "property")
        ElementTree.SubElement(element, "name").text = name
        ElementTree.SubElement(element, "value").text = value
        if is_final:
            ElementTree.SubElement(element, "final").text = "true"
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
