"""Checks that a server can mount HDFS, in a container in the servers' environment.

The container runs as the hub's own user on one node, and unmounts at its end. The facts of a
failure come from the node, and the remedies name only what was found there.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from yarnhub.check.results import CheckResult, Verdict
from yarnhub.check.settings import HubSettings
from yarnspawner.container.payload import PYTHON_VARIABLE

if TYPE_CHECKING:
    from yarnhub.probes import ProbeOutcome

GROUP = "mount"
TIMEOUT_SECONDS = 180.0

#: Begins the last line of a container that could not mount.
FACTS = "yarnhub-mount "

_MOUNT = """
import json, os, stat, sys
def read(path):
    try:
        return open(path).read().strip()
    except OSError:
        return None
def facts():
    try:
        device = os.stat("/dev/fuse")
        mode = stat.S_IMODE(device.st_mode)
    except OSError:
        mode = None
    return dict(
        host=os.uname().nodename,
        kernel=os.uname().release,
        device_mode=mode,
        device_usable=os.access("/dev/fuse", os.R_OK | os.W_OK),
        has_fuse="fuse" in (read("/proc/filesystems") or "").split(),
        namespaces=read("/proc/sys/user/max_user_namespaces"),
        debian=read("/proc/sys/kernel/unprivileged_userns_clone"),
        apparmor=read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        in_container=os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"),
    )
found = facts()
try:
    from hdfs_contents.mount import namespace
except ImportError:
    sys.exit(3)
try:
    namespace.enter(sys.argv[1])
except namespace.MountError as error:
    found["why"] = f"{error}."
    sys.exit(sys.argv[2] + json.dumps(found))
"""


@dataclass(frozen=True)
class MountFacts:
    """What a node has of what a mount needs, and the reason `why` it failed.

    `namespaces`, `debian` and `apparmor` are the kernel's settings, None if it has none of that
    name: user.max_user_namespaces, kernel.unprivileged_userns_clone and
    kernel.apparmor_restrict_unprivileged_userns. `device_mode` is None without /dev/fuse.
    """

    why: str
    host: str
    kernel: str
    device_mode: int | None
    device_usable: bool
    has_fuse: bool
    namespaces: str | None
    debian: str | None
    apparmor: str | None
    in_container: bool


def check_mount(settings: HubSettings) -> list[CheckResult]:
    """Run a container that mounts."""
    if settings.mount == "off":
        return [CheckResult(GROUP, Verdict.SKIPPED, 'c.YarnSpawner.mount is "off".')]
    if not settings.python_env:
        return [CheckResult(GROUP, Verdict.SKIPPED, settings.missing_environment)]
    from yarnhub.probes import Probe, ProbeRequest, run_probes

    request = ProbeRequest(
        settings.queue, settings.python_env, settings.env_root, settings.env_delivery == "file"
    )
    arguments = shlex.join([_MOUNT, settings.mount_path, FACTS])
    script = f'exec "${PYTHON_VARIABLE}" -c {arguments}'
    outcome = run_probes({"": Probe(script)}, request, TIMEOUT_SECONDS)[""]
    return [judge_mount(outcome, required=settings.mount == "required")]


def judge_mount(outcome: ProbeOutcome, *, required: bool) -> CheckResult:
    """Judge the outcome of the container that mounted; a failure is a warning unless a mount is
    `required`."""
    if outcome.ok:
        return CheckResult(GROUP, Verdict.OK, "A container can mount HDFS.")
    verdict = Verdict.FAILED if required else Verdict.WARNING
    last = (outcome.diagnostics.strip().splitlines() or [""])[-1]
    if last.startswith(FACTS):
        facts = MountFacts(**json.loads(last.removeprefix(FACTS)))
        why = f"A container on {facts.host} could not mount. {facts.why}"
        return CheckResult(GROUP, verdict, why, "\n".join(remedies(facts)))
    if "exit code 3" in outcome.diagnostics:
        why = "The servers' Python environment has no hdfs_contents.mount."
        remedy = "Install yarnhub[notebook] in it, and publish it again with `yarnhub pack-env`."
        return CheckResult(GROUP, verdict, why, remedy)
    remedy = (
        "The container ran as the hub's own user, who needs the users' right to submit to the "
        "queue and an account on the nodes. If it has both, see the queue and the nodes' logs."
    )
    why = f"No container ran to mount HDFS. {outcome.why}"
    return CheckResult(GROUP, Verdict.FAILED, why, remedy)


def remedies(facts: MountFacts) -> list[str]:
    """Return what an administrator changes on the nodes, one sentence for each obstacle."""
    found = []
    if facts.namespaces == "0":
        found.append(
            "User namespaces are off (user.max_user_namespaces is 0, as on RHEL 7 and CentOS 7): "
            "run `sysctl -w user.max_user_namespaces=15000`, and set it in /etc/sysctl.d."
        )
    if facts.debian == "0":
        found.append(
            "User namespaces are for root only (kernel.unprivileged_userns_clone is 0, as on "
            "Debian 10): run `sysctl -w kernel.unprivileged_userns_clone=1`, and set it in "
            "/etc/sysctl.d."
        )
    if facts.apparmor == "1":
        found.append(
            "AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is "
            "1, as on Ubuntu 23.10 and later): run `sysctl -w "
            "kernel.apparmor_restrict_unprivileged_userns=0`, and set it in /etc/sysctl.d."
        )
    if facts.device_mode is None and facts.in_container:
        found.append(
            "The NodeManager's container has no /dev/fuse: start it with `--device /dev/fuse`."
        )
    elif facts.device_mode is None:
        found.append(
            "There is no /dev/fuse: run `modprobe fuse`, and add `fuse` to a file in "
            "/etc/modules-load.d."
        )
    elif not facts.device_usable:
        found.append(
            f"Only some accounts may open /dev/fuse (mode {facts.device_mode:o}): run `chmod 666 "
            '/dev/fuse`, and add the udev rule `KERNEL=="fuse", MODE="0666"`.'
        )
    if _version(facts.kernel) < (4, 18):
        found.append(
            f"The kernel is {facts.kernel}. Mounts without root need Linux 4.18, or the kernel of "
            "RHEL 7.8."
        )
    if not found and facts.in_container:
        found.append(
            "The NodeManager runs in a container, whose seccomp or AppArmor profile may forbid "
            "namespaces and mounts."
        )
    return found


def _version(release: str) -> tuple[int, int]:
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0].partition("-")[0]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (99, 0)
