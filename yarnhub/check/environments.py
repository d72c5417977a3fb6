"""Whether servers can start in the environments that the hub's settings name."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from yarnhub.check.edge_node import EdgeNode
from yarnhub.check.results import CheckResult, Verdict

if TYPE_CHECKING:
    from env_packaging.errors import PackagingError
    from env_packaging.registry import PublishedEnvironment
    from hadoop_client.hdfs.filesystem import FileSystem
    from yarnhub.check.settings import HubSettings

GROUP = "environments"


def check_environments(edge: EdgeNode) -> list[CheckResult]:
    """Look up the environment of `c.YarnSpawner.python_env`."""
    from env_packaging.errors import PackagingError
    from env_packaging.registry import resolve

    python_env = edge.settings.python_env
    if not python_env:
        return [_without_environment(edge.settings)]
    if python_env.startswith("/"):
        why = f"{python_env} is a path on the nodes, which this machine cannot check."
        return [CheckResult(GROUP, Verdict.SKIPPED, why)]
    try:
        published = resolve(_open_hdfs(edge), edge.settings.env_root, python_env)
    except ImportError as error:
        why = f"HDFS could not be opened: {error}."
        return [CheckResult(GROUP, Verdict.FAILED, why, "Install yarnhub[hub].")]
    except PackagingError as error:
        return [CheckResult(GROUP, Verdict.FAILED, str(error), remedy_of(error))]
    if fault := _server_fault(published, edge.settings):
        remedy = "Publish it again, or choose another one of `yarnhub envs list`."
        return [CheckResult(GROUP, Verdict.FAILED, fault, remedy)]
    size = f"{published.size_bytes / 1e6:.0f} MB, Python {published.python_version}"
    return [CheckResult(GROUP, Verdict.OK, f"{python_env} is {published.path} ({size}).")]


def _without_environment(settings: HubSettings) -> CheckResult:
    """Judge settings without `python_env`."""
    why = settings.missing_environment
    if settings.config is None or settings.may_bring_environment:
        return CheckResult(GROUP, Verdict.SKIPPED, why)
    remedy = "Publish an environment with `yarnhub pack-env`, and set the option to its name."
    return CheckResult(GROUP, Verdict.FAILED, f"{why} No server can start.", remedy)


def remedy_of(error: PackagingError) -> str:
    """Return what to do about an error of a look-up, unless its text says it."""
    from env_packaging.errors import EnvironmentNotFoundError, StorageError

    if isinstance(error, EnvironmentNotFoundError):
        return "Publish it with `yarnhub pack-env`, or choose one of `yarnhub envs list`."
    return "See `yarnhub check hdfs`." if isinstance(error, StorageError) else ""


def environment_faults(edge: EdgeNode, names: Collection[str]) -> dict[str, str]:
    """Return why no server can start in an environment, for those of `names` in which none can.

    Paths of nodes and users' own environments are not looked up. Raises `StorageError` and
    ImportError.
    """
    published = sorted(name for name in names if not name.startswith(("/", "~")))
    return faults_in(_open_hdfs(edge), edge.settings, published) if published else {}


def faults_in(
    filesystem: FileSystem, settings: HubSettings, names: Collection[str]
) -> dict[str, str]:
    """Return `environment_faults` of published environments. Raises `StorageError`."""
    from env_packaging.errors import PackagingError, StorageError
    from env_packaging.registry import resolve

    faults = {}
    for name in names:
        try:
            fault = _server_fault(resolve(filesystem, settings.env_root, name), settings)
        except StorageError:
            raise
        except PackagingError as error:
            fault = str(error)
        if fault:
            faults[name] = fault
    return faults


def _open_hdfs(edge: EdgeNode) -> FileSystem:
    from env_packaging.registry import storage_errors
    from hadoop_client.hdfs.filesystem import open_filesystem

    with storage_errors("open HDFS"):
        _ = edge.hub_user  # Logs in with the hub's keytab.
        return open_filesystem()


def _server_fault(published: PublishedEnvironment, settings: HubSettings) -> str:
    """Return why JupyterHub's server cannot start in an environment; another command may."""
    fault = published.manifest.server_fault
    return f"In the environment {published.name}, {fault}" if fault and not settings.cmd else ""
