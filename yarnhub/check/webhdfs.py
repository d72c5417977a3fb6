"""Whether a NameNode accepts any user name by WebHDFS, which Kerberos for RPC does not prevent."""

from __future__ import annotations

import json
from urllib.error import HTTPError

from hadoop_client.configuration import Configuration
from yarnhub.check.results import CheckResult, Verdict
from yarnhub.node_http import open_url, read_answer

TIMEOUT_SECONDS = 3.0

#: The claimed name. It is no user's, and nothing is read or changed in it.
CLAIMED = "yarnhub-check"

_DEFAULT_PORTS = {"http": 9870, "https": 9871}

#: In the configuration of a server: all addresses of its host.
_ALL_ADDRESSES = ("", "0.0.0.0", "[::]")

_MAX_BYTES = 64 << 10


def check_webhdfs(configuration: Configuration) -> list[CheckResult]:
    """Claim a user name at each NameNode. Raises ConfigurationError if none is configured."""
    if not configuration.kerberos:
        why = "The cluster does not use Kerberos: every service accepts any user name."
        return [CheckResult("webhdfs", Verdict.SKIPPED, why)]
    return [judge_webhdfs(url, accepts_any_name(url)) for url in namenode_urls(configuration)]


def namenode_urls(configuration: Configuration) -> list[str]:
    """Return the URLs of the web pages of the NameNodes, of each name service of a viewfs."""
    secure = (configuration.get("dfs.http.policy") or "").strip().upper() == "HTTPS_ONLY"
    scheme = "https" if secure else "http"
    key = f"dfs.namenode.{scheme}-address"
    urls = []
    for nameservice in configuration.nameservices():
        suffixes = configuration.namenode_suffixes(nameservice)
        addresses = configuration.namenode_addresses(nameservice)
        for suffix, (rpc_host, _) in zip(suffixes, addresses, strict=True):
            address = configuration.get(key + suffix) or ""
            host, _, port = address.strip().rpartition(":")
            if host in _ALL_ADDRESSES:
                host = f"[{rpc_host}]" if ":" in rpc_host else rpc_host
            urls.append(f"{scheme}://{host}:{port or _DEFAULT_PORTS[scheme]}")
    return urls


def accepts_any_name(url: str) -> bool | None:
    """Return whether WebHDFS accepts a name that is claimed; None without a usable answer."""
    request = f"{url}/webhdfs/v1/?op=GETHOMEDIRECTORY&user.name={CLAIMED}"
    try:
        with open_url(request, TIMEOUT_SECONDS) as page:
            answer = json.loads(read_answer(page, _MAX_BYTES))
    except HTTPError as error:
        return None if 300 <= error.code < 400 else False
    except (OSError, ValueError):
        return None
    path = answer.get("Path") if isinstance(answer, dict) else None
    return isinstance(path, str) and path.endswith(f"/{CLAIMED}")


def judge_webhdfs(url: str, accepted: bool | None) -> CheckResult:
    """Judge a NameNode's answer; None: there was none."""
    if accepted is None:
        why = f"WebHDFS gave no usable answer at {url}, so it was not checked."
        return CheckResult("webhdfs", Verdict.SKIPPED, why)
    if not accepted:
        return CheckResult("webhdfs", Verdict.OK, f"WebHDFS at {url} accepts no claimed user name.")
    return CheckResult(
        "webhdfs",
        Verdict.WARNING,
        f"WebHDFS at {url} accepts any user name without a ticket, so that every client that "
        "reaches it can read and change all files.",
        "Set hadoop.http.authentication.type to kerberos in core-site.xml of the NameNodes, with "
        "hadoop.http.authentication.kerberos.principal and .keytab, or set dfs.webhdfs.enabled to "
        "false.",
    )
