"""What a server on YARN has written: `yarnhub logs`.

Of a server that runs, its node tells all; of one that has ended, YARN keeps the last lines, and the
whole only where the cluster collects logs.
"""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Annotated

import typer

from yarnhub.errors import ServerNotFoundError, ToolError
from yarnhub.options import parse_label

if TYPE_CHECKING:
    from hadoop_client.yarn.reports import ApplicationReport, ContainerReport

NODE_TIMEOUT_SECONDS = 20.0
STREAMS = ("stdout", "stderr")


class NodeUnreachableError(ToolError):
    """The node that a server runs on does not tell what it has written."""

    exit_code = 6


def logs(
    label: Annotated[str, typer.Argument(metavar="USER[/SERVER]", help="Whose server.")],
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="Only the last so many of each; 0: all.")
    ] = 0,
) -> None:
    """Show what a server has written: the one that runs, or the last one."""
    from yarnhub.yarn import server_container, server_name, server_reports, yarn_client

    user, name = parse_label(label)
    with yarn_client() as client:
        reports = [
            report
            for report in server_reports(client)
            if (report.user, server_name(report.user, report.name)) == (user, name)
        ]
        if not reports:
            raise ServerNotFoundError(f"{label} has had no server on YARN, as far as it remembers.")
        report = max(reports, key=lambda report: report.submit_time or report.start_time)
        container = None if report.state.ended else server_container(client, report)
    if container is not None:
        for stream in STREAMS:
            _print(f"{stream} of {report.application_id}", _stream(container, stream), lines)
    elif report.state.ended:
        _print(f"last words of {report.application_id}", report.diagnostics, lines)
        typer.echo(_where_all_is(report), err=True)
    else:
        typer.echo(f"{label} has no container yet: YARN says {report.state.name}.", err=True)


def _stream(container: ContainerReport, stream: str) -> str:
    """Return what the container has written, as its node tells it."""
    node = container.node_http_address
    scheme = "" if "://" in node else "http://"
    url = f"{scheme}{node}/ws/v1/node/containers/{container.container_id}/logs/{stream}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=NODE_TIMEOUT_SECONDS) as answer:
            return contents(answer.read().decode(errors="replace"), stream)
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise NodeUnreachableError(
            f"The node {node} does not tell what the server has written ({reason}): look at "
            f"{container.log_url} in a browser."
        ) from error


def contents(told: str, stream: str) -> str:
    """Return the stream's own text from what a node tells, which has a head and a foot around it.

    The marks are those of Hadoop's LogToolUtils; text without them is returned whole.
    """
    _, begin, text = told.partition("\nLogContents:\n")
    text = text if begin else told
    body, end, _ = text.rpartition(f"End of LogType:{stream}")
    return body.removesuffix("\n") if end else text


def _print(title: str, text: str, lines: int) -> None:
    kept = text.splitlines()[-lines:]
    if not kept:
        return
    typer.echo(f"==> {title}", err=True)
    sys.stdout.write("".join(f"{line}\n" for line in kept))
    sys.stdout.flush()


def _where_all_is(report: ApplicationReport) -> str:
    return (
        "All that it wrote, if the cluster collects logs (yarn.log-aggregation-enable):\n"
        f"  yarn logs -applicationId {report.application_id} -appOwner {report.user}"
    )
