"""`yarnhub logs`: the output of a server on YARN.

The node of a running server has its whole output. For a server that has ended, YARN keeps the last
lines, and the whole output only if the cluster collects logs.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hadoop_client.printable import LINES, printable
from yarnhub.errors import ServerNotFoundError, ToolError
from yarnhub.options import parse_label

if TYPE_CHECKING:
    from hadoop_client.yarn.reports import ApplicationReport, ContainerReport

NODE_TIMEOUT_SECONDS = 20.0
STREAMS = ("stdout", "stderr")


class NodeUnreachableError(ToolError):
    """The node of a server did not return its logs."""

    exit_code = 6


def logs(
    label: Annotated[str, typer.Argument(metavar="USER[/SERVER]", help="The server.")],
    lines: Annotated[
        int,
        typer.Option(
            "--lines",
            "-n",
            min=0,
            metavar="N",
            help="Print only so many last lines of each stream; 0: all.",
        ),
    ] = 0,
) -> None:
    """Print the output of a server on YARN.

    Of a server that has ended, YARN keeps the last lines.
    """
    from yarnhub.yarn import server_container, server_name, server_reports, yarn_client

    user, name = parse_label(label)
    with yarn_client() as client:
        reports = [
            report
            for report in server_reports(client)
            if (report.user, server_name(report.user, report.name)) == (user, name)
        ]
        if not reports:
            raise ServerNotFoundError(f"YARN remembers no server of {label}.")
        report = max(reports, key=lambda report: report.submit_time or report.start_time)
        container = None if report.state.ended else server_container(client, report)
    if container is not None:
        for stream in STREAMS:
            _print(f"{stream} of {report.application_id}", _stream(container, stream), lines)
    elif report.state.ended:
        _print(f"last output of {report.application_id}", report.diagnostics, lines)
        typer.echo(_full_log_hint(report), err=True)
    else:
        typer.echo(f"{label} has no container yet. Its state is {report.state.name}.", err=True)


def _stream(container: ContainerReport, stream: str) -> str:
    """Return the container's output to the stream, from its node."""
    import http.client
    import urllib.error

    from yarnhub.node_http import base_url, open_url, read_answer

    node = container.node_http_address
    path = f"ws/v1/node/containers/{container.container_id}/logs/{stream}"
    try:
        with open_url(f"{base_url(node)}/{path}", NODE_TIMEOUT_SECONDS) as page:
            return contents(read_answer(page).decode(errors="replace"), stream)
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise NodeUnreachableError(
            f"Could not fetch logs from node {node} ({reason}). Open {container.log_url} in a "
            "browser."
        ) from error


def contents(page: str, stream: str) -> str:
    """Return the stream's own text, without the header and footer that a node adds.

    The markers are those of Hadoop's LogToolUtils. Text without them is returned whole.
    """
    _, begin, text = page.partition("\nLogContents:\n")
    text = text if begin else page
    body, end, _ = text.rpartition(f"End of LogType:{stream}")
    return body.removesuffix("\n") if end else text


def _print(title: str, text: str, lines: int) -> None:
    shown = text.splitlines()[-lines:]
    if not shown:
        return
    typer.echo(f"==> {title}", err=True)
    # Output that moves a terminal's cursor or changes its title would act on the administrator.
    sys.stdout.write("".join(f"{printable(line, keep=LINES, limit=None)}\n" for line in shown))
    sys.stdout.flush()


def _full_log_hint(report: ApplicationReport) -> str:
    return (
        "Full log, if log aggregation is on (yarn.log-aggregation-enable):\n"
        f"  yarn logs -applicationId {report.application_id} -appOwner {shlex.quote(report.user)}"
    )
