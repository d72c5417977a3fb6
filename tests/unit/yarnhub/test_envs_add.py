"""`yarnhub envs add`: an environment built again from its requirements, with more packages."""

from __future__ import annotations

import errno
import os
import platform
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from env_packaging.build.sources import origin_of, prefix_of
from env_packaging.errors import PrefixError, UnsafeEnvironmentError
from env_packaging.manifest import Manifest
from env_packaging.pack import pack_and_publish
from env_packaging.registry import OWN_ENVS_VARIABLE, PublishedEnvironment, resolve
from hadoop_client.hdfs.filesystem import FileStatus
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import link_tree
from yarnhub import cli
from yarnhub.envs.add import extended

SITE = "/apps/yarnhub/envs"
OWN = "/user/packer/envs"


def wheel(directory: Path, name: str, version: str = "1.0", requires: str = "") -> Path:
    path = directory / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "value = 42\n")
        archive.writestr(
            f"{info}/METADATA", metadata + (f"Requires-Dist: {requires}\n" if requires else "")
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


class Registry(LocalFileSystem):
    """A registry in which the user may write below `writable` only."""

    writable = "/"

    def check_write(self, path: str) -> None:
        if not self.at(path).parent.exists():
            raise FileNotFoundError(errno.ENOENT, "no such directory", path)
        if not path.startswith(self.writable):
            raise PermissionError(errno.EACCES, "Permission denied", path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A registry with the environment `lab`, which requires `demo`; and what pip finds."""
    directory = tmp_path_factory.mktemp("site")
    root, index = directory / "hdfs", directory / "index"
    (root / SITE.strip("/")).mkdir(parents=True)
    (root / OWN.strip("/")).parent.mkdir(parents=True)
    index.mkdir()
    wheel(index, "demo")
    requirements = directory / "requirements.txt"
    requirements.write_text("demo  # of the site\n")
    with pytest.MonkeyPatch.context() as patch:
        use(patch, index)
        opened, origin = prefix_of(str(requirements)), origin_of(str(requirements))
        with opened as prefix:
            pack_and_publish(prefix, "lab", Registry(root), SITE, origin=origin)
    wheel(index, "demo", "2.0")
    wheel(index, "tables")
    return root, index


def use(patch: pytest.MonkeyPatch, index: Path) -> None:
    """Let builds use pip, and let pip find only these packages."""
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(index))
    patch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture
def hdfs(site: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry of the test's own, with `lab`."""
    made = Registry(link_tree(site[0], tmp_path / "hdfs"))
    monkeypatch.setattr("yarnhub.envs.add.open_hdfs", lambda: made)
    use(monkeypatch, site[1])
    return made


@pytest.fixture
def add(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command; return all that it prints."""

    def run(*arguments: str) -> str:
        cli.app(["envs", "add", *arguments], standalone_mode=False)
        return "".join(capfd.readouterr())

    return run


def packages(hdfs: Registry, root: str, name: str) -> dict[str, str]:
    manifest = resolve(hdfs, root, name).manifest
    return {package.name: package.version for package in manifest.packages}


def test_packages_are_added_and_others_keep_their_versions(
    hdfs: Registry, add: Callable[..., str]
) -> None:
    shown = add("lab", "tables>=1", "--alias", "next")
    assert f"It is published as lab:next in {SITE}.\n" in shown
    assert packages(hdfs, SITE, "lab:next") == {"demo": "1.0", "tables": "1.0"}
    assert packages(hdfs, SITE, "lab") == {"demo": "1.0"}
    manifest = resolve(hdfs, SITE, "lab:next").manifest
    assert manifest.requirements == ("demo", "tables>=1")
    assert manifest.source == f"lab@{resolve(hdfs, SITE, 'lab').key} in {SITE}"


def test_a_user_who_may_not_write_there_gets_an_environment_of_their_own(
    hdfs: Registry, add: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hdfs.writable = "/user/packer/"
    planned = add("lab", "tables", "--dry-run")
    assert f"published as lab:latest in {OWN}. packer may not write to {SITE}.\n" in planned
    monkeypatch.setenv(OWN_ENVS_VARIABLE, "/user/packer/pythons")
    shown = add("lab", "tables", "--as", "mine", "--upgrade")
    assert "\nThe next server can start in it, as ~/mine.\n" in shown
    assert packages(hdfs, "/user/packer/pythons", "mine") == {"demo": "2.0", "tables": "1.0"}
    assert packages(hdfs, SITE, "lab") == {"demo": "1.0"}
    planned = add("mine", "more", "--dry-run")
    assert "of /user/packer/pythons again, with more. It is published as mine:latest" in planned


def record(hdfs: Registry, *requirements: str) -> Path:
    """Let the manifest of `lab` have these requirements; return its file."""
    lab = resolve(hdfs, SITE, "lab")
    path = hdfs.at(f"{SITE}/lab/{lab.key}.json")
    text = replace(lab.manifest, requirements=requirements).to_json()
    path.unlink()  # the registry of other tests has a link to it
    path.write_text(text)
    path.chmod(0o644)
    path.parent.chmod(0o755)
    return path


class OthersRegistry(Registry):
    """A registry in which another user owns a path."""

    others = ""

    def stat(self, path: str) -> FileStatus:
        status = super().stat(path)
        return status._replace(owner="mallory") if path.endswith(self.others) else status


def test_the_requirements_are_shown_before_they_are_used(
    hdfs: Registry, add: Callable[..., str]
) -> None:
    record(hdfs, "demo", "\u202e-evil @ https://example.org/x.whl")
    with pytest.raises(PrefixError):
        add("lab", "tables", "--dry-run")
    record(hdfs, "demo", "evil @ https://example.org/\u202ex.whl")
    planned = add("lab", "tables>=1", "--dry-run")
    shown = "Requirements:\n  demo\n  evil @ https://example.org/\\u202ex.whl\n  tables>=1\n"
    assert planned.endswith(shown)


@pytest.mark.parametrize("others", ["/lab", ".json"])
def test_another_users_sources_need_consent(
    others: str, hdfs: Registry, add: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = (
        "--index-url https://evil.example.org/simple",
        "--trusted-host evil.example.org",
        "evil @ https://evil.example.org/evil.whl",
        "/tmp",
    )
    record(hdfs, "demo", *sources)
    theirs = OthersRegistry(hdfs.root)
    theirs.others = others
    monkeypatch.setattr("yarnhub.envs.add.open_hdfs", lambda: theirs)
    before = hdfs.files()
    for options in ((), ("--quiet",), ("--dry-run",)):
        with pytest.raises(UnsafeEnvironmentError, match="--trust-sources") as refused:
            add("lab", "tables", "mine @ https://example.org/mine.whl", *options)
        assert str(refused.value).splitlines()[1:] == [f"  {line}" for line in sources]
    assert hdfs.files() == before
    planned = add("lab", "tables", "--dry-run", "--trust-sources")
    assert all(f"  {line}\n" in planned for line in sources)


def test_a_manifest_that_a_group_can_write_is_not_ones_own(
    hdfs: Registry, add: Callable[..., str]
) -> None:
    path = record(hdfs, "demo", "--trusted-host example.org")
    add("lab", "tables", "--dry-run")
    path.chmod(0o664)
    with pytest.raises(UnsafeEnvironmentError, match="another user can write its manifest"):
        add("lab", "tables", "--dry-run")


def test_another_users_names_of_packages_need_no_consent(
    hdfs: Registry, add: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = OthersRegistry(hdfs.root)
    theirs.others = ".json"
    monkeypatch.setattr("yarnhub.envs.add.open_hdfs", lambda: theirs)
    assert "Requirements:\n  demo\n  tables\n" in add("lab", "tables", "--dry-run")


def test_a_dry_run_publishes_nothing(hdfs: Registry, add: Callable[..., str]) -> None:
    before = hdfs.files()
    add("lab", "tables", "--dry-run")
    assert hdfs.files() == before


def test_a_failed_build_publishes_nothing(hdfs: Registry, add: Callable[..., str]) -> None:
    before = hdfs.files()
    with pytest.raises(PrefixError, match="lab with no-such-package could not be built:"):
        add("lab", "no-such-package")
    assert hdfs.files() == before


BASE = PublishedEnvironment(
    "lab",
    "0" * 20,
    f"{SITE}/lab/{'0' * 20}.tar.gz",
    1,
    1,
    True,
    Manifest(
        *("lab", "0" * 20, "venv", "/opt/lab", platform.python_version(), "linux", "glibc"),
        *("f" * 64, 1, 1, 1, "2026-01-01", "admin", "yarnhub"),
        requirements=("pandas>=2", "-i https://example.org/simple"),
    ),
)


def test_a_package_that_is_required_already_is_required_as_given() -> None:
    wanted = extended(BASE, ["Pandas==3.0", "polars"])
    assert wanted == ("-i https://example.org/simple", "Pandas==3.0", "polars")


@pytest.mark.parametrize(
    ("change", "package", "message"),
    [
        ({"requirements": ()}, "x", "no requirements.*Add x to /opt/lab, and publish it with yarn"),
        ({"requirements": ("-r /etc/other.txt",)}, "x", "has no requirements"),
        ({"requirements": ("--pre -r /etc/other.txt",)}, "x", "has no requirements"),
        ({"requirements": ("a @ https://x/${TOKEN}",)}, "x", "has no requirements.*variables"),
        ({"requirements": ("a @ file:///no/a.whl",)}, "x", "does not have: /no/a.whl. Run the"),
        ({"python_version": "3.1.4"}, "x", r"has Python 3\.1\.4, and this yarnhub runs in Python"),
        ({}, "--index-url=x", "'--index-url=x' is not a package"),
        ({}, "./local", "'./local' is not a package"),
    ],
)
def test_what_cannot_be_built_again_is_refused_with_the_reason(
    change: dict[str, object], package: str, message: str
) -> None:
    base = replace(BASE, manifest=replace(BASE.manifest, **change))
    with pytest.raises(Exception, match=message) as caught:
        extended(base, [package])
    assert isinstance(getattr(caught.value, "exit_code", None), int)


SLOW = """
import os, time
print("building", os.getpid(), flush=True)
time.sleep(600)
"""


def test_ctrl_c_while_it_is_built_leaves_nothing(
    hdfs: Registry, site: tuple[Path, Path], tmp_path: Path
) -> None:
    index = site[1]
    source = index / "slow-1.0"
    source.mkdir()
    (source / "backend.py").write_text(SLOW)
    (source / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
    )
    subprocess.run(["tar", "-czf", f"{source}.tar.gz", "-C", index, "slow-1.0"], check=True)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.unit.yarnhub.test_envs_add import Registry\n"
        "import env_packaging.cli, yarnhub.envs.add\n"
        "made = Registry(Path(sys.argv.pop(1)))\n"
        "yarnhub.envs.add.open_hdfs = lambda: made\n"
        "from yarnhub.cli import main; main()\n"
    )
    before = hdfs.files()
    process = subprocess.Popen(
        [sys.executable, "-c", program, hdfs.root, "envs", "add", "lab", "slow"],
        env={**os.environ, "TMPDIR": str(temporary), "PIP_VERBOSE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if "building" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    process.communicate(timeout=300)
    assert process.returncode == 130, shown
    assert list(temporary.iterdir()) == []
    assert hdfs.files() == before
