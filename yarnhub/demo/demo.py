"""`yarnhub demo`: everything on this machine, from nothing, and gone again at its end."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from yarnhub.demo.check import Site, Step, check, write_report
from yarnhub.demo.hub import DemoError, HubSettings, check_port, find_proxy, running_hub
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import kept_free
from yarnhub.minihadoop.settings import HUB_USER, Security

PEOPLE = ("alice", "bob")
ENVIRONMENT = "demo"


@dataclass
class Demo:
    """What one run of the demo shows, and the steps it has done so far."""

    console: Console
    port: int
    kerberos: bool = False
    steps: list[Step] = field(default_factory=list)

    def run(self) -> None:
        """Run until Ctrl-C, or until the hub ends by itself, which is an error."""
        with self._everything() as (settings, _, hub):
            self.console.print(
                f"\nlog in at  [bold]{settings.url}[/]\n"
                f"as         [bold]{' or '.join(PEOPLE)}[/]\n"
                f"password   [bold]{settings.password}[/]\n\n"
                "Ctrl-C ends everything, and what is in this Hadoop goes with it."
            )
            hub.wait()
            raise DemoError(f"JupyterHub ended by itself, with exit code {hub.returncode}.")

    def run_check(self, report: Path | None) -> None:
        """Let two people walk the whole round, and tell each step."""
        with self._everything() as (settings, hadoop, _):
            site = Site(
                hub_url=settings.url,
                resourcemanager_url=hadoop.resourcemanager_url,
                password=settings.password,
                identity=hadoop.identity,
            )
            with self.console.status(f"{' and '.join(PEOPLE)} walk the round"):
                self.steps += asyncio.run(check(site, PEOPLE))
        if report is not None:
            write_report(self.steps, report)
        show_outcome(self.console, self.steps)

    @contextmanager
    def _everything(self) -> Iterator[tuple[HubSettings, MiniHadoop, subprocess.Popen[bytes]]]:
        """Run Hadoop and the hub inside of the context."""
        check_port(self.port)
        find_proxy()
        with ExitStack() as stack:
            stack.enter_context(kept_free(self.port))  # Hadoop chooses its own first
            with self.console.status("") as status:
                security = Security() if self.kerberos else None
                hadoop = MiniHadoop(users=PEOPLE, security=security, progress=status.update)
                with self._step("start an embedded Hadoop", status):
                    stack.enter_context(hadoop)
                os.environ.update(hadoop.env())
                os.environ.update(hadoop.identity(HUB_USER))
                with self._step("pack this Python environment and publish it in HDFS", status):
                    publish_environment()
                settings = HubSettings(
                    port=self.port,
                    password=secrets.token_urlsafe(6),
                    users=PEOPLE,
                    python_env=ENVIRONMENT,
                    folder=hadoop.state.folder / "hub",
                    login=hadoop.login(HUB_USER) if security else None,
                )
                with self._step("start JupyterHub", status):
                    hub = stack.enter_context(running_hub(settings))
            try:
                yield settings, hadoop, hub
            finally:
                self.console.print("Ending JupyterHub, its servers and Hadoop.")

    @contextmanager
    def _step(self, name: str, status: Status) -> Iterator[None]:
        status.update(name)
        started = time.monotonic()
        yield
        self.steps.append(Step("", name, round(time.monotonic() - started, 3)))
        self.console.print(f"{name}: {self.steps[-1].seconds:.1f} s")


def publish_environment() -> None:
    """Publish the environment that we run in, by the command that an admin would use."""
    command = [sys.executable, "-m", "yarnhub", "pack-env", sys.prefix]
    packed = subprocess.run(
        [*command, "--name", ENVIRONMENT, "--quiet"], capture_output=True, text=True, check=False
    )
    if packed.returncode:
        raise DemoError(f"The environment could not be published: {packed.stderr.strip()}")


def show_outcome(console: Console, steps: list[Step]) -> None:
    """Tell each step; raises `DemoError` where one has failed."""
    console.print(steps_table(steps))
    failures = [step for step in steps if step.failure]
    if failures:
        raise DemoError(
            "The check failed: "
            + "; ".join(f"{step.person}: {step.name}: {step.failure}" for step in failures)
        )
    console.print("The check passed.")


def steps_table(steps: list[Step]) -> Table:
    """Return each step and its seconds as a table."""
    table = Table("who", "step", "seconds", "what was seen", title=None)
    table.columns[2].justify = "right"
    for step in steps:
        seen = Text(step.failure, "red") if step.failure else Text(step.detail)
        table.add_row(step.person, step.name, f"{step.seconds:.2f}", seen)
    return table
