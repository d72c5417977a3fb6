"""Reads one of Hadoop's site files, with the files that it includes.

- Includes: `<xi:include>` with its `<xi:fallback>`. The target is a path, or a URL of a file or of
  a web server. Paths are relative to the site file, also in a file that it includes.
- Old names of properties become today's.

Source: org.apache.hadoop.conf.Configuration and its DeprecatedProperties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

#: Today's names of the properties that this package reads and that Hadoop has renamed.
OLD_NAMES = {
    "fs.default.name": "fs.defaultFS",
    "dfs.federation.nameservices": "dfs.nameservices",
    "dfs.umaskmode": "fs.permissions.umask-mode",
    "dfs.encryption.key.provider.uri": "hadoop.security.key.provider.path",
}

#: How long a web server may take to answer with an included file.
INCLUDE_SECONDS = 10.0


class ConfigurationError(Exception):
    """The cluster's configuration cannot be used. The message has the cause and the remedy."""


def existing_files(directory: Path, names: Sequence[str]) -> list[Path]:
    """Return the existing files; raises ConfigurationError if the directory is unreadable."""
    try:
        return [directory / name for name in names if (directory / name).is_file()]
    except OSError as error:
        raise ConfigurationError(
            f"{directory} cannot be read ({error.strerror}): make it readable, or set "
            "HADOOP_CONF_DIR to the directory with the cluster's client configuration."
        ) from error


class Property(NamedTuple):
    """A property. `file` is where it stands: the path of a file, or the URL of a web server."""

    name: str
    value: str | None
    is_final: bool
    file: str


def read_file(file: Path) -> Iterator[Property]:
    """Yield each property of a file and of the files that it includes."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    yield from _parse(content, (str(file),))


def _parse(content: bytes, files: tuple[str, ...]) -> Iterator[Property]:
    """Yield the properties of the last of `files`, the chain of includes that leads to it."""
    file = files[-1]
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ConfigurationError(f"{file} is not well-formed XML ({error}): correct it.") from error
    except (ValueError, LookupError) as error:  # LookupError: an unknown encoding
        raise ConfigurationError(f"{file} cannot be read: {error}.") from error
    if _tag(root) != "configuration":
        raise ConfigurationError(
            f"{file} is not a Hadoop configuration: it begins with <{_tag(root)}>, "
            "not with <configuration>."
        )
    yield from _properties(root, files)


def _properties(parent: ElementTree.Element, files: tuple[str, ...]) -> Iterator[Property]:
    """Yield the properties of an element of the last of `files`."""
    for element in parent:
        tag = _tag(element)
        if tag == "configuration":
            yield from _properties(element, files)
        elif tag == "include":
            yield from _include(element, files)
        elif tag == "property":
            parts = dict(element.attrib)
            parts |= {_tag(child): child.text for child in element if child.text}
            name = parts.get("name", "").strip()
            if name:
                value, is_final = parts.get("value"), parts.get("final") == "true"
                # To Hadoop an empty value is no value.
                yield Property(OLD_NAMES.get(name, name), value, is_final, files[-1])


def _include(element: ElementTree.Element, files: tuple[str, ...]) -> Iterator[Property]:
    target = _target(element.get("href", "").strip(), Path(files[0]).parent)
    if target in files:
        raise ConfigurationError(f"{target} includes itself: remove the xi:include.")
    content = _content(target)
    fallback = next((child for child in element if _tag(child) == "fallback"), None)
    if content is not None:
        yield from _parse(content, (*files, target))
    elif fallback is not None:
        yield from _properties(fallback, files)
    else:
        raise ConfigurationError(f"{files[-1]} includes {target}, which does not exist.")


def _target(href: str, directory: Path) -> str:
    """Return the URL of a web server, or a path."""
    url = urlsplit(href)
    if url.scheme in ("http", "https"):
        return href
    return str(directory / (unquote(url.path) if url.scheme == "file" else href))


def _content(target: str) -> bytes | None:
    """Return a file's content; None if it does not exist or its web server does not answer."""
    if not target.startswith(("http://", "https://")):
        path = Path(target)
        try:
            return path.read_bytes() if path.is_file() else None
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    # Imported here because it is slow and rarely needed. Java ignores the variables of proxies.
    from urllib.request import ProxyHandler, build_opener

    try:
        with build_opener(ProxyHandler({})).open(target, timeout=INCLUDE_SECONDS) as answer:
            return bytes(answer.read())
    except OSError:
        return None


def _tag(element: ElementTree.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]
