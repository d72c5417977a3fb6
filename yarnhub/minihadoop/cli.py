"""The command line of the embedded Hadoop: `yarnhub minihadoop up|down|status|failover|env`.

`up` leaves the cluster running; the other commands find it by its state directory. Slow imports are
inside the commands.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from yarnhub.minihadoop.state import ClusterState

app = typer.Typer(
    help="Run a real Hadoop on this machine.", no_args_is_help=True, rich_markup_mode=None
)

StateDir = Annotated[
    Path | None,
    typer.Option(
        help="The directory of this Hadoop. Default: yarnhub/minihadoop in ~/.local/state.",
        metavar="DIR",
        show_default=False,
    ),
]

AllowRoot = Annotated[
    bool,
    typer.Option(
        "--allow-root",
        help="Start as root. Every account on this machine can then run programs as root.",
    ),
]


NodeManagers = Annotated[
    int, typer.Option(min=1, max=50, help="Number of YARN nodes.", metavar="N")
]
DataNodes = Annotated[int, typer.Option(min=1, max=5, help="Number of DataNodes.", metavar="N")]
MemoryMb = Annotated[
    int, typer.Option(min=512, help="Memory of each YARN node, in MiB.", metavar="N")
]
HadoopVersion = Annotated[
    str, typer.Option(help="Hadoop's version, such as 3.5.0.", metavar="VERSION")
]
Users = Annotated[
    list[str] | None,
    typer.Option(
        "--user",
        help="A user with an HDFS home. Can be given several times. Default: alice and bob.",
        metavar="NAME",
        show_default=False,
    ),
]
HighAvailability = Annotated[
    bool, typer.Option("--ha", help="Run two ResourceManagers and two NameNodes.")
]
Kerberos = Annotated[bool, typer.Option("--kerberos", help="Use Kerberos, and start a KDC.")]
FirstPort = Annotated[
    int | None,
    typer.Option(
        min=1024,
        max=65000,
        help="The first of 34 consecutive ports. Default: free ones.",
        metavar="N",
        show_default=False,
    ),
]


@app.command()
def up(  # noqa: PLR0913 - typer makes an option of each
    nodemanagers: NodeManagers = 1,
    datanodes: DataNodes = 3,
    memory_mb: MemoryMb = 6144,
    hadoop_version: HadoopVersion = "3.4.2",
    users: Users = None,
    ha: HighAvailability = False,
    kerberos: Kerberos = False,
    port: FirstPort = None,
    state_dir: StateDir = None,
    allow_root: AllowRoot = False,
) -> None:
    """Start a Hadoop and print its addresses.

    It keeps running until `yarnhub minihadoop down`.
    """
    from rich.console import Console

    from yarnhub.minihadoop import MiniHadoop
    from yarnhub.minihadoop.exposure import require_not_root, risk
    from yarnhub.minihadoop.settings import Security

    require_not_root(allow_root)
    _print(risk())
    with Console(stderr=True).status("Starting Hadoop") as status:
        hadoop = MiniHadoop(
            nodemanagers=nodemanagers,
            datanodes=datanodes,
            users=tuple(users or ("alice", "bob")),
            version=hadoop_version,
            memory_mb=memory_mb,
            ha=ha,
            security=Security() if kerberos else None,
            state_dir=_folder(state_dir),
            port=port,
            progress=status.update,
        )
        hadoop.start()
    state = hadoop.detach()
    _print(f"Hadoop {hadoop_version} is up.")
    _print_addresses(state)
    where = f" --state-dir {shlex.quote(str(state_dir))}" if state_dir else ""
    _print(f'Use it:  eval "$(yarnhub minihadoop env{where})"')
    _print(f"End it:  yarnhub minihadoop down{where}")


def _print_addresses(state: ClusterState) -> None:
    from yarnhub.minihadoop.settings import HUB_USER, QUEUES

    _print(f"  HDFS  {state.default_fs}  {state.namenode_url}")
    _print(f"  YARN  {state.resourcemanager_url}")
    _print(f"  users {', '.join((*state.settings.users, HUB_USER))}; queues {', '.join(QUEUES)}")
    if state.settings.security:
        _print(f"  keys  {state.folder / 'krb5' / 'keytabs'}")
    _print(f"  logs  {state.folder / 'logs'}")


@app.command()
def down(state_dir: StateDir = None) -> None:
    """End the Hadoop and remove its data.

    Its containers end too. Its logs are kept.
    """
    from yarnhub.minihadoop.errors import NotRunningError
    from yarnhub.minihadoop.processes import containers, daemons, end_processes
    from yarnhub.minihadoop.state import load, remove_data

    try:
        state = load(_folder(state_dir))
    except NotRunningError as error:
        _print(str(error))
        return
    running, inside = daemons(state.folder), containers(state.folder)
    end_processes(state.folder)
    remove_data(state.folder)
    _print(
        f"Ended {len(running)} daemons and {len(inside)} container processes. "
        f"Logs: {state.folder / 'logs'}"
    )


@app.command()
def status(state_dir: StateDir = None) -> None:
    """Show the daemons with their memory.

    The exit code is 0 if all of them run, else 1.
    """
    from rich.console import Console
    from rich.table import Table

    from yarnhub.minihadoop.processes import containers, daemons, resident_mb
    from yarnhub.minihadoop.state import load

    state = load(_folder(state_dir))
    running = daemons(state.folder)
    table = Table("daemon", "pid", "MB", box=None, pad_edge=False)
    for name in state.daemon_names():
        process = running.get(name)
        pid, size = (str(process.pid), str(resident_mb(process))) if process else ("ended", "")
        table.add_row(name, pid, size)
    Console().print(table)
    _print(f"HDFS {state.default_fs}  {state.namenode_url}")
    inside = len(containers(state.folder))
    _print(f"YARN {state.resourcemanager_url}  {inside} container processes")
    if set(running) != set(state.daemon_names()):
        raise typer.Exit(1)


@app.command()
def failover(
    index: Annotated[
        int, typer.Argument(min=1, max=2, help="The one to activate, 1 or 2.", metavar="NUMBER")
    ],
    hdfs: Annotated[bool, typer.Option("--hdfs", help="Activate a NameNode.")] = False,
    state_dir: StateDir = None,
) -> None:
    """Make another daemon the active one.

    It activates a ResourceManager or, with --hdfs, a NameNode. The Hadoop must have been started
    with `up --ha`.
    """
    from yarnhub.minihadoop.errors import SettingsError
    from yarnhub.minihadoop.state import load

    state = load(_folder(state_dir))
    if not state.settings.ha:
        raise SettingsError("This Hadoop has no standby daemons. Start it with `up --ha`.")
    (state.namenode_pair() if hdfs else state.resourcemanager_pair()).make_active(index - 1)
    _print(f"{'NameNode' if hdfs else 'ResourceManager'} {index} is active.")


@app.command()
def env(state_dir: StateDir = None) -> None:
    """Print shell exports for this Hadoop.

    eval "$(yarnhub minihadoop env)" makes all Hadoop clients of the shell use it.
    """
    from yarnhub.minihadoop.errors import NotRunningError
    from yarnhub.minihadoop.processes import daemons
    from yarnhub.minihadoop.state import load

    state = load(_folder(state_dir))
    if not daemons(state.folder):
        raise NotRunningError(
            f"The Hadoop in {state.folder} is not running. Remove it with `yarnhub minihadoop "
            "down`, and start it again with `yarnhub minihadoop up`."
        )
    for name, value in state.variables().items():
        _print(f"export {name}={shlex.quote(value)}")
    _print(f'export PATH={shlex.quote(str(state.folder / "bin"))}:"$PATH"')


def _folder(state_dir: Path | None) -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return (state_dir or Path(base) / "yarnhub" / "minihadoop").resolve()


def _print(text: str) -> None:
    typer.echo(text)  # Unlike rich it breaks no lines, which may be copied or evaluated.
