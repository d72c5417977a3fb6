"""`yarnhub envs warm`: its progress bars."""

from __future__ import annotations

import io

from rich.console import Console

from yarnhub.envs.warm import _bars
from yarnhub.probes import ProbeOutcome


def test_a_nodes_name_is_shown_as_it_is() -> None:
    host = "[/x]\x1b[2J"
    console = Console(file=io.StringIO(), width=100, force_terminal=True, record=True)
    with _bars(console, [host], shown=True) as bars:
        bars.show(host, ProbeOutcome("FINISHED", ok=True))
    assert r"[/x]\x1b[2J" in console.export_text()
