"""`yarnhub logs`: the output of a server on YARN.

The node of a running server has its whole output. For a server that has ended, YARN keeps the last
lines, and the whole output only if the cluster collects logs.
"""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from hadoop_client.printable import LINES, printable
from yarnhub.errors import ServerNotFoundError, ToolError
from yarnhub.options import parse_label

if TYPE_CHECKING:
    from hadoop_client.yarn.records import ApplicationId
    from hadoop_client.yarn.reports import ApplicationReport, ContainerReport

NODE_TIMEOUT_SECONDS = 20.0

#: How often new output is asked for, and how much of the end of each stream.
FOLLOW_SECONDS = 2.0
FOLLOWED_BYTES = 256 << 10

#: How many times in a row the node of a server that runs may fail to answer.
MOST_FAILURES = 5


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
            help="Print only the last N lines of stdout and of stderr; 0 prints all.",
        ),
    ] = 0,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print new output until the server ends.")
    ] = False,
) -> None:
    """Print the output of a server on YARN.

    The output of a running server comes from its node. Of a server that has ended, YARN keeps the
    last lines.
    """
    from yarnspawner.node_logs import STREAMS, new_output

    report, container = _find(label)
    if container is not None:
        seen = {}
        for stream in STREAMS:
            page = _stream(container, stream)
            text, seen[stream] = new_output(page, stream, 0)
            _print(f"{stream} of {report.application_id}", text, lines)
        if follow:
            _follow(report, container, seen)
    elif report.state.ended:
        _print(f"last output of {report.application_id}", report.diagnostics, lines)
        typer.echo(_full_log_hint(report), err=True)
    else:
        typer.echo(f"{label} has no container yet. Its state is {report.state.name}.", err=True)


def _find(label: str) -> tuple[ApplicationReport, ContainerReport | None]:
    """Return the newest application of a server, and its container if it runs."""
    from yarnhub.yarn import server_container, server_name, server_reports, yarn_client

    user, name = parse_label(label)
    with yarn_client() as client:
        reports = [
            report
            for report in server_reports(client)
            if (report.user, server_name(report.user, report.name)) == (user, name)
        ]
        if not reports:
            raise ServerNotFoundError(
                f"YARN has no server of {label}, neither running nor ended. `yarnhub apps` lists "
                "those that run."
            )
        report = max(reports, key=lambda report: report.submit_time or report.start_time)
        return report, None if report.state.ended else server_container(client, report)


def _follow(report: ApplicationReport, container: ContainerReport, seen: dict[str, int]) -> None:
    """Print new output every few seconds, until YARN reports the application's end."""
    from yarnspawner.node_logs import STREAMS, new_output

    shown, failures = "", 0
    while True:
        time.sleep(FOLLOW_SECONDS)
        now = _report(report.application_id)  # before the output, so that its end is printed too
        try:
            pages = {stream: _stream(container, stream, FOLLOWED_BYTES) for stream in STREAMS}
        except NodeUnreachableError:
            # The node forgets a container a moment before YARN reports its end.
            pages = {}
            failures += 1
            if failures == MOST_FAILURES and not now.state.ended:
                raise
        for stream, page in pages.items():
            failures = 0
            text, seen[stream] = new_output(page, stream, seen[stream])
            if text:
                _print("" if stream == shown else stream, text, 0)
                shown = stream
        if now.state.ended:
            reason = printable(now.diagnostics.partition("\n")[0])
            typer.echo(f"The server has ended. {reason}".rstrip(), err=True)
            return


def _report(application_id: ApplicationId) -> ApplicationReport:
    from hadoop_client.yarn.resourcemanager import (
        GET_APPLICATION_REPORT,
        GetApplicationReportRequest,
    )
    from yarnhub.yarn import yarn_client

    with yarn_client() as client:
        request = GetApplicationReportRequest(application_id)
        return client.call(GET_APPLICATION_REPORT, request).application_report


def _stream(container: ContainerReport, stream: str, last_bytes: int = 0) -> bytes:
    """Return its node's answer with the container's output to the stream, or only its end."""
    import http.client
    import urllib.error

    from yarnhub.node_http import base_url, open_url, read_answer
    from yarnspawner.node_logs import stream_path

    node = container.node_http_address
    path = stream_path(str(container.container_id), stream, last_bytes)
    try:
        with open_url(f"{base_url(node)}/{path}", NODE_TIMEOUT_SECONDS) as page:
            return read_answer(page)
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise NodeUnreachableError(
            f"Could not fetch logs from node {node} ({reason}). Open {container.log_url} in a "
            "browser."
        ) from error


def _print(title: str, text: str, lines: int) -> None:
    shown = text.splitlines()[-lines:]
    if not shown:
        return
    if title:
        typer.echo(f"==> {title}", err=True)
    # Output that moves a terminal's cursor or changes its title would act on the administrator.
    sys.stdout.write("".join(f"{printable(line, keep=LINES, limit=None)}\n" for line in shown))
    sys.stdout.flush()


def _full_log_hint(report: ApplicationReport) -> str:
    return (
        "Full log, if log aggregation is on (yarn.log-aggregation-enable):\n"
        f"  yarn logs -applicationId {report.application_id} -appOwner {shlex.quote(report.user)}"
    )
