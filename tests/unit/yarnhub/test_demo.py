"""What the demo prints, and its second environment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from traitlets.config.loader import PyFileConfigLoader

from yarnhub.demo.check import Step
from yarnhub.demo.demo import WHAT_TO_TRY, look_inside, steps_table
from yarnhub.demo.hub import KERNEL_TITLE, PROFILE, DemoHubSettings
from yarnhub.demo.kernel_environment import make_kernel_environment, required_by
from yarnspawner.profiles.config import parse_profiles

#: Markup of rich, and a sequence that clears a terminal.
EVIL = "[/x] \x1b[2J\nline 2"


def test_the_printed_commands_look_for_the_demos_own_hadoop(tmp_path):
    folder = tmp_path / "a state directory"
    printed = look_inside(folder, tmp_path / "jupyterhub_config.py")
    _, command, *_ = printed.splitlines()
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr.startswith(f"There is no embedded Hadoop in {folder}. ")


def test_the_hub_has_an_administrator_and_profiles_of_which_one_fails(tmp_path: Path):
    settings = DemoHubSettings(8000, "secret", ("alice", "bob"), "demo", "analysis", tmp_path)
    settings.config.write_text(settings.render("proxy", 8081, 8001))
    config = PyFileConfigLoader(settings.config.name, path=str(tmp_path)).load_config()
    assert config.Authenticator.admin_users == {"alice"}
    assert config.YarnSpawner.extra_envs == {KERNEL_TITLE: "analysis"}
    profiles = parse_profiles(config.YarnSpawner.profiles).all
    assert profiles[0].name == PROFILE
    broken = next(p for p in profiles if p.fixed.get("environment") == "analysis")
    for title in (broken.display_name, "Your own size", KERNEL_TITLE):
        assert f'"{title}"' in WHAT_TO_TRY


@pytest.mark.parametrize("step", [Step("alice", "save", 1, failure=EVIL), Step("", "", 1, EVIL)])
def test_the_text_of_a_step_does_not_act_on_the_terminal(step: Step, capsys) -> None:
    Console(width=100).print(steps_table([step]))
    shown = capsys.readouterr().out
    assert "[/x] \\x1b[2J" in shown
    assert "line 2" in shown


def test_kernels_start_in_the_second_environment_but_no_server_does(tmp_path: Path):
    make_kernel_environment(tmp_path / "analysis")
    find = (
        "import importlib.util as u, json, sys, ipykernel.kernelapp as k\n"
        "print(json.dumps([k.__file__, u.find_spec('jupyterhub') is None]))"
    )
    python = tmp_path / "analysis/bin/python"
    done = subprocess.run([python, "-c", find], capture_output=True, text=True, check=False)
    file, lacks_hub = json.loads(done.stdout)
    assert file.startswith(f"{tmp_path}/analysis/")
    assert lacks_hub


def test_what_is_not_installed_is_not_required():
    assert {"ipykernel", "ipython", "traitlets"} <= required_by("ipykernel")
    assert required_by("no-such-package") == set()
