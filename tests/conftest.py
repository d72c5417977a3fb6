"""What all tests share: the embedded Hadoop, hubs on it, and its logs beside what fails."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.hadoop.hub import CONFIGURED_BY_STARTS, Hub
from tests.hadoop.yarn_rest import application, end_applications
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.artifacts import DEFAULT_VERSION
from yarnhub.minihadoop.daemon import Daemon
from yarnhub.minihadoop.ports import held_ports, node_host

# Run by tests of ours, in processes of their own.
collect_ignore = ["upstream"]

TESTS = Path(__file__).parent

#: The order of a run: what takes longest comes first and what is short last, so that the processes
#: of a run end at about the same time. The JVM of libhdfs stays in its process and knows one
#: cluster: what starts it comes at the very end.
ORDER = (
    "kerberos",
    "hadoop/test_minihadoop",
    "hadoop/test_demo.py",
    "browser/extensions",
    "contract/test_namenode_pair.py",
    "faults",
    "hadoop/spawner",
    "hadoop",
    "",
    "unit",
    "contract",
)
#: All of each goes to one process of a run, which starts its Hadoop and packs its environment once.
ONE_PROCESS = ("tests/kerberos/", "tests/browser/extensions/")

Found = TypeVar("Found")

#: How many times as long as on an idle machine a wait may take: machines that run tests are busy.
BUSY = 3

HAS_FAILED = pytest.StashKey[bool]()

# None of the property tests is about time, and machines that run tests are busy. Each run has the
# same examples, except in `scripts/test full`.
for profile, is_repeatable in (("repeatable", True), ("random", False)):
    settings.register_profile(
        profile,
        deadline=None,
        derandomize=is_repeatable,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., Found]:
    """`wait_until(predicate, timeout, what)`, for what gives no signal that could be waited for.

    It returns the predicate's first true answer, and fails the test with `what` when there is none
    within the timeout: in seconds on an idle machine, and `BUSY` times as long on any.
    """

    def wait(predicate: Callable[[], Found], timeout: float, what: str) -> Found:
        deadline = time.monotonic() + BUSY * timeout
        while not (found := predicate()):
            if time.monotonic() > deadline:
                pytest.fail(f"not within {BUSY * timeout:g} s: {what}", pytrace=True)
            time.sleep(0.05)
        return found

    return wait


@pytest.fixture(scope="session")
def fuse_device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A FUSE device that every account may open, as udev makes it."""
    path = tmp_path_factory.mktemp("device") / "fuse"
    os.mknod(path, stat.S_IFCHR, os.makedev(10, 229))
    path.chmod(0o666)
    yield path
    path.unlink()


@pytest.fixture
def node_of(hadoop: MiniHadoop) -> Callable[[str], Daemon]:
    """`node_of(application_id)`: the NodeManager that runs the application's container."""

    def find(application_id: str) -> Daemon:
        host = application(hadoop, application_id)["amHostHttpAddress"].partition(":")[0]
        hosts = [node_host(index) for index in range(len(hadoop.nodemanagers))]
        return hadoop.nodemanagers[hosts.index(socket.gethostbyname(host))]

    return find


@pytest.fixture
def ports() -> Iterator[list[int]]:
    """Three ports that are this test's own."""
    with held_ports(3) as held:
        yield held


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hadoop",
        default=DEFAULT_VERSION,
        metavar="VERSION",
        help=f"the version of the tests' common Hadoop, {DEFAULT_VERSION} unless given",
    )


@pytest.fixture(scope="session")
def hadoop(pytestconfig: pytest.Config) -> Iterator[MiniHadoop]:
    """One cluster for the whole session, with two nodes and the users alice and bob."""
    version = pytestconfig.getoption("--hadoop")
    with MiniHadoop(nodemanagers=2, users=("alice", "bob"), version=version) as cluster:
        yield cluster


@pytest.fixture
def dead_datanode(hadoop: MiniHadoop) -> Iterator[None]:
    """One of three DataNodes is dead. HDFS notices it after 10.5 minutes."""
    hadoop.datanodes[0].kill()
    yield
    hadoop.datanodes[0].start()
    hadoop.wait_ready()


@pytest.fixture
def make_hub(hadoop: MiniHadoop, tmp_path: Path) -> Iterator[Any]:
    """Start a hub with more configuration; it and its servers are gone after the test."""
    hubs: list[Hub] = []

    def make(extra_config: str = "", folder: Path = tmp_path) -> Hub:
        hub = Hub(folder, hadoop.env(), extra_config)
        hubs.append(hub)
        hub.start()
        return hub

    yield make
    with contextlib.ExitStack() as ends:
        for hub in hubs:
            ends.callback(hub.stop)  # also after a test that left a hub in a bad way
        for hub in hubs:
            hub.stop_servers()
    assert end_applications(hadoop) == []


@pytest.fixture(autouse=True)
def whole_cluster(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hand the common cluster on as it was: what a failing test has broken or left running would
    let all tests after it fail too."""
    yield
    cluster = request.node.funcargs.get("hadoop")
    if not isinstance(cluster, MiniHadoop):
        return
    ended = [daemon for daemon in cluster.daemons if not daemon.is_running]
    for daemon in ended:
        daemon.start()
    if ended:
        cluster.wait_ready()
    if request.node.stash.get(HAS_FAILED, False):
        end_applications(cluster)
    assert [daemon.name for daemon in ended] == [], "these daemons ended under the test"


@pytest.fixture(scope="module")
def hub_config(request: pytest.FixtureRequest) -> str:
    """What the hub of a module has besides the tests' own configuration: `HUB_CONFIG` there."""
    return getattr(request.module, "HUB_CONFIG", CONFIGURED_BY_STARTS)


@pytest.fixture(scope="module")
def module_hub(
    hub_config: str, hadoop: MiniHadoop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModuleHub]:
    """The hub that a module's tests share; started when the first one needs it."""
    hub = ModuleHub(lambda: Hub(tmp_path_factory.mktemp("hub"), hadoop.env(), hub_config))
    yield hub
    hub.stop()


@pytest.fixture
def hub(request: pytest.FixtureRequest, module_hub: ModuleHub, hadoop: MiniHadoop) -> Iterator[Hub]:
    """The module's hub, without users. Its configuration is `HUB_CONFIG` of the module; by default
    it is the tests' own, to which each start may add (`start_server(user, config=…)`).

    The servers of the test are gone after it. A test that fails takes its hub along.
    """
    hub = module_hub.get()
    hub.begin_log()
    yield hub
    if request.node.stash.get(HAS_FAILED, False):
        module_hub.stop()
        return
    try:
        hub.remove_users()
    except BaseException:
        module_hub.stop()
        raise
    assert end_applications(hadoop) == []


class ModuleHub:
    """A hub that is started when it is needed, and again after a test has failed."""

    def __init__(self, make: Callable[[], Hub]) -> None:
        self._make = make
        self._hub: Hub | None = None

    def get(self) -> Hub:
        if self._hub is None:
            self._hub = self._make()
            self._hub.start()
        return self._hub

    def stop(self) -> None:
        if self._hub is not None:
            self._hub.stop()
        self._hub = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "hadoop" in fixtures or TESTS / "hadoop" in item.path.parents:
            item.add_marker("hadoop")
    items.sort(key=_place_in_order)


def _place_in_order(item: pytest.Item) -> int:
    """Return the place of the longest beginning of the item's path in `ORDER`."""
    path = item.path.relative_to(TESTS).as_posix()
    return ORDER.index(max((start for start in ORDER if path.startswith(start)), key=len))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Distribute files in the order of the collection, not by their numbers of tests."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            for directory in ONE_PROCESS:
                if nodeid.startswith(directory):
                    return directory
            return str(super()._split_scope(nodeid))

    config.option.loadscopereorder = False
    return Scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    if report.failed:
        item.stash[HAS_FAILED] = True
        values = getattr(item, "funcargs", {}).values()
        clusters = {id(value): value for value in values if isinstance(value, MiniHadoop)}
        for cluster in clusters.values():
            report.sections += [
                (f"log of the {name}", tail) for name, tail in cluster.log_tails(lines=20).items()
            ]
    return report
