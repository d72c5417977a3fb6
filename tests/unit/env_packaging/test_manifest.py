from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from env_packaging.errors import DamagedEnvironmentError, UnsafeEnvironmentError
from env_packaging.manifest import Finding, LeftOut, Manifest, Package

MANIFEST = Manifest(
    name="science",
    key="0" * 20,
    kind="venv",
    source="/opt/venv",
    python_version="3.11.7",
    platform="linux-x86_64",
    libc="glibc 2.36",
    sha256="f" * 64,
    archive_bytes=10,
    unpacked_bytes=100,
    files=3,
    created="2024-05-06T07:08:09+00:00",
    created_by="admin",
    tool="yarnhub 1",
    packages=(Package("numpy", "2.0"), Package("python", "3.11", "h0", "local")),
    left_out=(LeftOut("tests", 5, 50),),
    findings=(Finding("note", "code", "A sentence.", ("a", "b")),),
)


@given(st.text(), st.integers(0, 2**63 - 1), st.lists(st.builds(Package, st.text(), st.text())))
def test_a_manifest_is_read_as_it_was_written(
    source: str, size: int, packages: list[Package]
) -> None:
    manifest = replace(MANIFEST, source=source, archive_bytes=size, packages=tuple(packages))
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_a_manifest_with_names_that_are_not_utf_8_can_be_written_and_read() -> None:
    finding = Finding("note", "code", "It is about caf\udce9 and café.", ("lib/caf\udce9",))
    manifest = replace(MANIFEST, source="/opt/\udcff", findings=(finding,))
    assert Manifest.from_json(manifest.to_json().encode().decode()) == manifest


def test_fields_of_a_newer_packer_are_ignored() -> None:
    values = json.loads(MANIFEST.to_json())
    values["of_a_later_version"] = "2.17"
    values["packages"][0]["licence"] = "BSD"
    values["findings"][0]["url"] = "https://…"
    assert Manifest.from_json(json.dumps(values)) == MANIFEST


def test_another_schema_is_refused_with_a_remedy() -> None:
    with pytest.raises(UnsafeEnvironmentError, match="schema 2, but this yarnhub reads schema 1"):
        Manifest.from_json(replace(MANIFEST, schema=2).to_json())


@pytest.mark.parametrize("value", [None, 3, 2.5, "3.11", [], {"a": 1}])
@pytest.mark.parametrize("record", ["", "packages", "left_out", "findings"])
def test_a_value_of_another_type_than_its_field_is_damage(record: str, value: object) -> None:
    """Readers, such as the list of all environments, use the values without a check."""
    whole = json.loads(MANIFEST.to_json())
    values = whole[record][-1] if record else whole
    optional = {"build", "channel"} if value is None else set()
    for name in values.keys() - {"schema"} - optional:
        before = values[name]
        if isinstance(before, str | int) and not isinstance(value, type(before)):
            values[name] = value
            with pytest.raises(DamagedEnvironmentError, match=name):
                Manifest.from_json(json.dumps(whole))
            values[name] = before


@pytest.mark.parametrize("value", [-1, 2**63, 10**400], ids=["negative", "2**63", "10**400"])
@pytest.mark.parametrize("record", ["", "left_out"])
def test_a_number_that_no_size_can_be_is_damage(record: str, value: int) -> None:
    """`yarnhub envs show` divides sizes, and a float has a largest value."""
    whole = json.loads(MANIFEST.to_json())
    values = whole[record][-1] if record else whole
    numbers = {name for name, known in values.items() if isinstance(known, int)}
    for name in numbers - {"schema"}:
        before, values[name] = values[name], value
        with pytest.raises(DamagedEnvironmentError, match=f"{name} must be a number from 0 to"):
            Manifest.from_json(json.dumps(whole))
        values[name] = before


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"schema": 1}', MANIFEST.to_json()[:-30], "[" * 100_000],
)
def test_a_damaged_manifest_is_reported(text: str) -> None:
    with pytest.raises(
        DamagedEnvironmentError, match=r"manifest is damaged .* Pack the environment"
    ):
        Manifest.from_json(text)
