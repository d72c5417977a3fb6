"""The REST APIs of the daemons."""

from __future__ import annotations

import json
from typing import Any

from yarnhub.node_http import open_url, read_answer


def get_json(url: str, timeout: float = 5) -> dict[str, Any]:
    """Return the JSON object at `url`; an empty one if there is none (yet)."""
    try:
        with open_url(url, timeout) as response:
            answer = json.loads(read_answer(response))
    except (OSError, ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def put(url: str, timeout: float = 30) -> None:
    """Send a PUT. Raises urllib.error.HTTPError, or another OSError."""
    open_url(url, timeout, "PUT").close()


def jmx(url: str, bean: str) -> dict[str, Any]:
    """Return a bean of a daemon, such as "NameNode,name=NameNodeInfo"; empty if there is none."""
    beans = get_json(f"{url}/jmx?qry=Hadoop:service={bean}").get("beans") or [{}]
    return dict(beans[0])
