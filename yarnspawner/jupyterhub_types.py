"""JupyterHub's objects as yarnspawner uses them, for type checkers: JupyterHub is untyped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from traitlets.config import LoggingConfigurable

#: A JSON object as JupyterHub passes it on: a server's options, its state, a progress event.
JsonObject: TypeAlias = dict[str, Any]

#: The settings of the hub's web application, which all its users and handlers share.
HubSettings: TypeAlias = MutableMapping[str, Any]


class Group(Protocol):
    """`jupyterhub.orm.Group`"""

    name: str


class OrmSpawner(Protocol):
    """`jupyterhub.orm.Spawner`: the database row of a server."""

    state: JsonObject | None
    user_options: JsonObject | None


class Server(Protocol):
    """`jupyterhub.objects.Server`: the address of a server; `ip` is empty before it is ready."""

    ip: str
    port: int
    base_url: str
    wait_up: Callable[..., Awaitable[object]]


class Hub(Protocol):
    """`jupyterhub.objects.Hub`"""

    api_url: str
    base_url: str


class User(Protocol):
    """`jupyterhub.user.User`. `spawners` holds one for each server, by the server's name."""

    name: str
    settings: HubSettings

    @property
    def escaped_name(self) -> str:
        """The name as it stands in URLs."""

    @property
    def groups(self) -> Iterable[Group]:
        """The user's groups in JupyterHub."""

    @property
    def spawners(self) -> Mapping[str, SpawnerBase]:
        """The spawners in memory."""

    @property
    def orm_spawners(self) -> Mapping[str, OrmSpawner]:
        """All servers in the database."""

    def server_url(self, server_name: str = "") -> str:
        """Return the address of a server."""


if TYPE_CHECKING:

    class SpawnerBase(LoggingConfigurable):
        """`jupyterhub.spawner.Spawner`"""

        name: str
        user: User
        hub: Hub
        server: Server
        orm_spawner: OrmSpawner
        user_options: JsonObject
        ready: bool
        ssl_alt_names: Sequence[str] | Callable[..., object]

        @property
        def _log_name(self) -> str:
            """The server's name in log lines."""

        async def poll_and_notify(self) -> int | None:
            """Poll, and clean up after a server that has ended."""

        def get_env(self) -> JsonObject:
            """Return the server's environment."""

        def get_args(self) -> list[str]:
            """Return the server's arguments."""

        async def create_certs(self) -> dict[str, str]:
            """Create the server's certificates; returns the paths of the files."""

        def get_state(self) -> JsonObject:
            """Return the state to keep in the database."""

        def load_state(self, state: JsonObject) -> None:
            """Read the state from the database."""

        def clear_state(self) -> None:
            """Forget the state of a server that has ended."""

else:
    # At run time a mixin must not be a Spawner: JupyterHub refuses those without a `start`.
    SpawnerBase = LoggingConfigurable
