"""The tables and warnings of `yarnhub envs`."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from env_packaging.inventory import Stored
from env_packaging.manifest import Finding, Package
from tests.unit.env_packaging.test_manifest import MANIFEST
from yarnhub.envs.show import alias_warnings, print_manifest, table_of, version


def test_names_that_are_not_utf_8_are_shown_on_a_utf_8_terminal() -> None:
    finding = Finding("note", "code", "It is about caf\udce9 and café [x].")
    manifest = replace(MANIFEST, source="/opt/\udcff", findings=(finding,))
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    print_manifest(Console(file=terminal, width=80), manifest, "/archive", public=True)
    terminal.seek(0)
    shown = terminal.read()
    assert "It is about caf\\udce9 and café [x]." in shown
    assert "/opt/\\udcff (venv)" in shown


def test_an_unreadable_alias_is_named_once() -> None:
    stored = [Stored("lab", key * 20, (), ("stable",), None, None, "", 0) for key in "ab"]
    (warning,) = alias_warnings(stored)
    assert warning.startswith("Warning: the alias lab:stable cannot be read or trusted")


def test_a_name_or_version_in_the_registry_does_not_act_on_the_terminal(capsys) -> None:
    evil = "\x1b]0;owned\x07\x1b[2K"
    finding = Finding("note", "code", f"It is about {evil}.")
    manifest = replace(MANIFEST, source=evil, python_version=evil, findings=(finding,))
    stored = Stored("lab" + evil, "a" * 20, (evil,), (), None, manifest, "", 0)
    console = Console(width=300)
    console.print(table_of([stored], None))
    print_manifest(console, manifest, "/archive" + evil, public=True)
    shown = capsys.readouterr().out + version(Package("numpy", evil, evil))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert r"lab\x1b]0;owned\x07\x1b[2K" in shown


@pytest.mark.parametrize("text", ["[/x]", "[link=http://evil.example]lab[/link]", ":bomb:"])
def test_a_publishers_text_is_shown_as_it_is(text: str) -> None:
    finding = Finding(text, "code", text)
    manifest = replace(MANIFEST, source=text, python_version=text, findings=(finding,))
    stored = Stored("lab", "a" * 20, (text,), (), None, manifest, "", 0)
    console = Console(file=io.StringIO(), width=300, record=True)
    console.print(table_of([stored], None))
    print_manifest(console, manifest, "/archive", public=True)
    assert console.export_text(clear=False).count(text) == 6  # two, then four
    assert "href" not in console.export_html()
