"""The hub's Hadoop configuration, for servers on nodes that have none for users.

A container inherits the NodeManager's HADOOP_CONF_DIR. Some managers of clusters, such as Cloudera
Manager, give each daemon a private directory. So the hub's site files travel with each launch, and
a server uses them if it cannot read the node's own (`yarnspawner.container.server`).

The files become readable by all users of the hub. So what a file has that not everybody may read on
the hub does not travel, nor does a property that Hadoop itself counts as sensitive.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from xml.etree import ElementTree

from hadoop_client.configuration import SITE_FILES, site_directory
from hadoop_client.site_files import existing_files, read_file
from yarnspawner.container.payload import CONFIGURATION_DIRECTORY

#: Larger configurations do not travel: the ResourceManager stores each launch.
MOST_BYTES = 128 << 10

#: Names of properties whose values are secrets; `hadoop.security.sensitive-config-keys` has a part.
_SENSITIVE = re.compile(
    r"secret|password|passwd|pass$|credential$|token$|access\.?key|account\.key|private\.?key"
    r"|encryption\.key$",
    re.IGNORECASE,
)


def client_files(directory: Path | None = None) -> dict[str, bytes]:
    """Return the site files for servers, by their paths in the container's directory.

    Includes are resolved and variables are not, because some depend on the user. Empty if they are
    too large. Raises ConfigurationError.
    """
    files = {}
    for file in existing_files(directory or site_directory(), SITE_FILES):
        if file.stat().st_mode & stat.S_IROTH:
            files[f"{CONFIGURATION_DIRECTORY}/{file.name}"] = _public_part(file)
    return files if sum(map(len, files.values())) <= MOST_BYTES else {}


def _public_part(file: Path) -> bytes:
    root = ElementTree.Element("configuration")
    for name, value, is_final in read_file(file, public=True):
        if value is None or _SENSITIVE.search(name):
            continue
        element = ElementTree.SubElement(root, "property")
        ElementTree.SubElement(element, "name").text = name
        ElementTree.SubElement(element, "value").text = value
        if is_final:
            ElementTree.SubElement(element, "final").text = "true"
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
