"""`yarnhub demo`: the whole product on this machine, removed again when the demo ends."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
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

from hadoop_client.printable import LINES, printable
from hadoop_client.python_module import module_command
from yarnhub.demo.check import Deployment, Step, check, write_report
from yarnhub.demo.hub import (
    KERNEL_TITLE,
    PROFILE,
    DemoError,
    DemoHubSettings,
    check_port,
    find_proxy,
    running_hub,
)
from yarnhub.demo.kernel_environment import make_kernel_environment
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.exposure import risk
from yarnhub.minihadoop.ports import kept_free
from yarnhub.minihadoop.settings import HUB_USER, Security
from yarnspawner.launch.kernels import kernel_name

USERS = ("alice", "bob")
ENVIRONMENT = "demo"

WHAT_TO_TRY = f"""\
Try this:
  - Start "Your own size" with 64G of memory, then with what the form allows.
  - Write a file in a cell, and find it in the file browser and in a terminal.
  - Choose the kernel "{KERNEL_TITLE}", which is another environment.
  - Start "Fails on purpose", and read why it fails.
  - As {USERS[0]}, open Admin, then "Servers on YARN".
"""


@dataclass
class Demo:
    """One run of the demo, with the steps done so far."""

    console: Console
    port: int
    kerberos: bool = False
    steps: list[Step] = field(default_factory=list)

    def run(self) -> None:
        """Run until Ctrl-C. Raises DemoError if the hub ends before that."""
        with self._everything() as (settings, hadoop, hub):
            self.console.print(
                f"\nlog in at  [bold]{settings.url}[/]\n"
                f"as         [bold]{' or '.join(USERS)}[/] ({USERS[0]} is an administrator)\n"
                f"password   [bold]{settings.password}[/]\n"
            )
            self.console.print(WHAT_TO_TRY, markup=False)
            commands = look_inside(hadoop.state.folder, settings.config)
            self.console.print(commands, soft_wrap=True, markup=False)
            self.console.print(
                "\nCtrl-C ends the demo, and deletes this Hadoop with all files in it."
            )
            hub.wait()
            raise DemoError(f"JupyterHub ended unexpectedly, with exit code {hub.returncode}.")

    def run_check(self, report: Path | None) -> None:
        """Run the end-to-end check for two users, and print each step."""
        with self._everything() as (settings, hadoop, _):
            deployment = Deployment(
                hub_url=settings.url,
                resourcemanager_url=hadoop.resourcemanager_url,
                password=settings.password,
                identity=hadoop.identity,
                profile=PROFILE,
                kernel=kernel_name(KERNEL_TITLE),
            )
            with self.console.status(f"Checking as {' and '.join(USERS)}"):
                self.steps += asyncio.run(check(deployment, USERS))
        if report is not None:
            write_report(self.steps, report)
        show_outcome(self.console, self.steps)

    @contextmanager
    def _everything(self) -> Iterator[tuple[DemoHubSettings, MiniHadoop, subprocess.Popen[bytes]]]:
        """Run Hadoop and the hub inside the context."""
        check_port(self.port)
        find_proxy()
        self.console.print(Text(risk()))
        with ExitStack() as stack:
            stack.enter_context(kept_free(self.port))  # Hadoop chooses its ports first.
            with self.console.status("") as status:
                security = Security() if self.kerberos else None
                hadoop = MiniHadoop(users=USERS, security=security, progress=status.update)
                with self._step("start an embedded Hadoop", status):
                    stack.enter_context(hadoop)
                os.environ.update(hadoop.env())
                os.environ.update(hadoop.identity(HUB_USER))
                with self._step("pack this Python environment and publish it in HDFS", status):
                    publish_environment()
                kernel_env = hadoop.state.folder / "analysis"
                with self._step("make a second environment, for a kernel", status):
                    make_kernel_environment(kernel_env)
                settings = DemoHubSettings(
                    port=self.port,
                    password=secrets.token_urlsafe(6),
                    users=USERS,
                    python_env=ENVIRONMENT,
                    kernel_env=str(kernel_env),
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
        self.console.print(f"Done: {name}, {self.steps[-1].seconds:.1f} s")


def look_inside(state_dir: Path, config: Path) -> str:
    """Return the commands that use the demo's Hadoop from another terminal."""
    beside = Path(sys.executable).with_name("yarnhub")
    yarnhub = shlex.quote(str(beside)) if beside.exists() else "yarnhub"
    return (
        "In another terminal:\n"
        f'  eval "$({yarnhub} minihadoop env --state-dir {shlex.quote(str(state_dir))})"\n'
        f"  {yarnhub} status\n"
        f"  {yarnhub} logs -f {USERS[0]}\n"
        f"  {yarnhub} envs list\n"
        f"  {yarnhub} check profiles --config {shlex.quote(str(config))}\n"
        f"  hdfs dfs -ls /user/{USERS[0]}/notebooks"
    )


def publish_environment() -> None:
    """Publish the current environment, with the command that an administrator would use."""
    arguments = ("pack-env", sys.prefix, "--name", ENVIRONMENT, "--quiet")
    packed = subprocess.run(
        module_command(sys.executable, "yarnhub", *arguments),
        capture_output=True,
        text=True,
        check=False,
    )
    if packed.returncode:
        raise DemoError(f"The environment could not be published: {packed.stderr.strip()}")


def show_outcome(console: Console, steps: list[Step]) -> None:
    """Print all steps. Raises DemoError if one failed."""
    console.print(steps_table(steps))
    failures = [step for step in steps if step.failure]
    if failures:
        raise DemoError(
            "The check failed: "
            + "; ".join(f"{step.person}: {step.name}: {step.failure}" for step in failures)
        )
    console.print("The check passed.")


def steps_table(steps: list[Step]) -> Table:
    """Return the table of all steps."""
    table = Table("user", "step", "seconds", "details", title=None)
    table.columns[2].justify = "right"
    for step in steps:
        details = printable(step.failure or step.detail, keep=LINES)
        style = "red" if step.failure else ""
        table.add_row(step.person, step.name, f"{step.seconds:.2f}", Text(details, style))
    return table
