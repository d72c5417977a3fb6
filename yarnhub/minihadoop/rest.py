"""Asking daemons over HTTP, by no proxy: they are all near."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def log_in_by(handler: urllib.request.BaseHandler) -> None:
    """Have a handler of urllib log in where a daemon asks for that."""
    _direct.add_handler(handler)


def get_json(url: str, timeout: float = 5) -> dict[str, Any]:
    """Return the answer, or an empty one if there is none (yet)."""
    try:
        with _direct.open(url, timeout=timeout) as response:
            answer = json.load(response)
    except (OSError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def put(url: str, timeout: float = 30) -> None:
    """Send a PUT. Raises urllib.error.HTTPError or another OSError."""
    with _direct.open(urllib.request.Request(url, method="PUT"), timeout=timeout):
        pass


def jmx(url: str, bean: str) -> dict[str, Any]:
    """Return a bean of a daemon, such as "NameNode,name=NameNodeInfo"; empty if there is none."""
    beans = get_json(f"{url}/jmx?qry=Hadoop:service={bean}").get("beans") or [{}]
    return dict(beans[0])
