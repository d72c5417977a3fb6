"""What a user did is answered by a sentence that names what to do, never by a traceback."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from env_packaging.build.prefix import open_prefix
from env_packaging.build.sources import origin_of, prefix_of
from env_packaging.cli import _print_warnings
from env_packaging.errors import PrefixError, ReferenceFormatError
from env_packaging.manifest import Finding
from env_packaging.pack import PackedEnvironment, pack_and_publish
from env_packaging.registry import parse_reference
from tests.unit.env_packaging.local_filesystem import LocalFileSystem
from tests.unit.env_packaging.prefixes import install, make_conda, make_venv, packages_of, write
from tests.unit.env_packaging.test_manifest import MANIFEST

ROOT = "/apps/envs"


def refused_by(reach: Callable[..., object]) -> Callable[[Path], bool]:
    def refuse(path: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    return refuse


def test_a_prefix_that_cannot_be_entered_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_dir", refused_by(Path.is_dir))
    with pytest.raises(PrefixError, match=r"env cannot be read: Permission denied\. Pack .* user"):
        open_prefix(tmp_path / "env")
    monkeypatch.setattr(Path, "is_file", refused_by(Path.is_file))
    with pytest.raises(PrefixError, match=r"env cannot be read"), prefix_of(f"{tmp_path}/env"):
        pass


def test_a_venv_whose_python_is_gone_says_where_it_leads(
    python_prefix: Path, tmp_path: Path
) -> None:
    venv = make_venv(python_prefix, tmp_path / "venv")
    shutil.rmtree(python_prefix)
    with pytest.raises(PrefixError, match=rf"bin/python is a link to {python_prefix}/bin/.* again"):
        open_prefix(venv)


def test_a_file_name_in_a_warning_does_not_act_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    finding = Finding("warning", "code", "These files are odd.", ("[/x]:bomb:\x1b[2J",))
    manifest = replace(MANIFEST, findings=(finding,))
    packed = PackedEnvironment("lab", "0" * 20, "/lab", 1, 1, True, manifest, uploaded=True)
    _print_warnings(Console(), packed, parse_reference("lab"))
    assert capsys.readouterr().out.endswith("Files: [/x]:bomb:\\x1b[2J.\n")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "The source is empty"),
        ("nothere.txt", r"There is no file nothere\.txt in "),
        ("nothere.yml", r"There is no file nothere\.yml in "),
    ],
)
def test_a_source_that_is_no_environment_is_reported(source: str, message: str) -> None:
    with pytest.raises(PrefixError, match=message), prefix_of(source):
        pass


def test_metadata_that_is_not_ascii_is_read(venv: Path, filesystem: LocalFileSystem) -> None:
    metadata = packages_of(venv) / "odd-1.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_bytes(b"Metadata-Version: 2.1\nName: od\xe9d\nVersion: 1\xff\n\n")
    packages = pack_and_publish(venv, "science", filesystem, ROOT).manifest.packages
    assert [package.name[:2] for package in packages] == ["demo"[:2], "od"]


def test_a_root_that_is_not_absolute_is_refused_before_anything_is_read(
    tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    with pytest.raises(ReferenceFormatError, match="'envs' is not an absolute path in HDFS"):
        pack_and_publish(tmp_path / "missing", "science", filesystem, "envs")


def test_the_manifest_has_the_file_that_an_environment_was_built_from(
    venv: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    file = write(tmp_path / "requirements.txt", "demo\n")
    origin = origin_of(str(file))
    manifest = pack_and_publish(venv, "science", filesystem, ROOT, origin=origin).manifest
    assert manifest.source == str(file)
    assert origin_of(str(venv)) is None


def test_a_damaged_conda_record_is_named(
    shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    write(conda / "conda-meta/odd-1.0-0.json", "{}")
    with pytest.raises(PrefixError, match=r"Damaged: odd-1\.0-0\.json\. Reinstall"):
        pack_and_publish(conda, "science", filesystem, ROOT)


def test_the_manifest_has_the_version_that_pip_put_over_conda_s(
    shared_python: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    conda = make_conda(shared_python, tmp_path / "conda")
    shutil.rmtree(packages_of(conda) / "noarch_demo-1.0.dist-info")
    command = conda / "bin/noarch_demo"
    command.unlink()  # other environments share the file
    (packages_of(conda) / "noarch_demo.py").unlink()
    install(conda, "noarch_demo", "2.0")
    packages = pack_and_publish(conda, "science", filesystem, ROOT).manifest.packages
    versions = {package.name: package.version for package in packages}
    assert versions["noarch_demo"] == "2.0"
    assert "noarch-demo" not in versions


def test_an_editable_install_is_named_before_its_path_file(
    venv: Path, tmp_path: Path, filesystem: LocalFileSystem
) -> None:
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    write(packages_of(venv) / "__editable__.edited.pth", f"{checkout}\n")
    info = install(venv, "edited")
    url = f"file://{checkout}".replace(" ", "%20")
    write(info / "direct_url.json", f'{{"dir_info": {{"editable": true}}, "url": "{url}"}}')
    with pytest.raises(PrefixError, match=rf"edited is an editable .* '{checkout}'\) and pack"):
        pack_and_publish(venv, "science", filesystem, ROOT)
