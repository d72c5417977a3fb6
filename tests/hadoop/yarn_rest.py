"""What the ResourceManager says of its applications, asked over REST: a second witness."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import httpx

from yarnhub.minihadoop import MiniHadoop


def running_applications(hadoop: MiniHadoop, user: str | None = None) -> list[dict[str, Any]]:
    """Return the applications that have not ended."""
    states = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"
    return _applications(hadoop, {"states": states} | ({"user": user} if user else {}))


def application_ids(hadoop: MiniHadoop) -> set[str]:
    """Return the ids of all applications, ended or not."""
    return {each["id"] for each in _applications(hadoop, {})}


def _applications(hadoop: MiniHadoop, params: dict[str, str]) -> list[dict[str, Any]]:
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps"
    answer = httpx.get(url, params=params, trust_env=False, timeout=60).json()
    return (answer["apps"] or {}).get("app", [])


def application(hadoop: MiniHadoop, application_id: str) -> dict[str, Any]:
    """Return what is said of one application."""
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps/{application_id}"
    return httpx.get(url, trust_env=False, timeout=60).json()["app"]


def end_application(
    hadoop: MiniHadoop, application_id: str, user: str = "alice", diagnostics: str = ""
) -> None:
    """Kill an application as its own user. YARN adds `diagnostics` to its own."""
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps/{application_id}/state"
    params = {"user.name": user}
    state = {"state": "KILLED", **({"diagnostics": diagnostics} if diagnostics else {})}
    httpx.put(url, params=params, json=state, trust_env=False, timeout=60).raise_for_status()


def end_lifetime_in(
    seconds: int, hadoop: MiniHadoop, application_id: str, user: str = "alice"
) -> bool:
    """Have an application's lifetime end soon; YARN refuses a moment that has passed meanwhile."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    moment = {"type": "LIFETIME", "expiryTime": soon.strftime("%Y-%m-%dT%H:%M:%S.000%z")}
    url = f"{hadoop.resourcemanager_url}/ws/v1/cluster/apps/{application_id}/timeout"
    params = {"user.name": user}
    answer = httpx.put(url, params=params, json={"timeout": moment}, trust_env=False, timeout=60)
    return answer.is_success


def end_applications(hadoop: MiniHadoop) -> list[str]:
    """Kill all that has not ended; returns what that was."""
    left = running_applications(hadoop)
    for report in left:
        end_application(hadoop, report["id"], report["user"])
    return [report["id"] for report in left]
