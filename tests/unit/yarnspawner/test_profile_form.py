from __future__ import annotations

import asyncio
import logging
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from jinja2 import DictLoader, Environment
from jupyterhub import orm
from jupyterhub.app import JupyterHub
from traitlets.config import Config

from hadoop_client.yarn.reports import QueueInfo, QueueStatistics
from tests.unit.yarnspawner.test_profiles import CUSTOM, PROFILES, SECRET, SMALL
from yarnspawner import YarnSpawner
from yarnspawner.failures import OptionsError, QueueError
from yarnspawner.launch.allocation import Allocation
from yarnspawner.profiles import options
from yarnspawner.profiles.config import parse_profiles
from yarnspawner.profiles.form import FreeCapacity, Visitor, options_of, render
from yarnspawner.profiles.model import Profiles
from yarnspawner.profiles.offer import ClusterOffer, offered_profiles

DOCS = Path(__file__).parents[3] / "docs"

#: JupyterHub's templates: a site without a template of its own for the form.
TEMPLATES = Environment(loader=DictLoader({}), autoescape=True)


class Form(HTMLParser):
    """Reads a form as a browser does: what it would send, and what its labels are for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.controls: set[str] = set()
        self.labelled: set[str] = set()
        self.described: set[str] = set()
        self.identities: list[str] = []
        self.invalid: dict[str, list[str]] = {}
        self.disabled: set[str] = set()
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.text = ""
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.identities += [attributes["id"]] if "id" in attributes else []
        self.described |= set(attributes.get("aria-describedby", "").split())
        self._inside = attributes.get("id", "")
        if "disabled" in attributes:
            self.disabled.add(attributes["id"])
        if attributes.get("aria-invalid") == "true" and "is-invalid" in attributes["class"]:
            self.invalid[attributes["name"]] = attributes["aria-describedby"].split()
        if tag == "label":
            self.labelled.add(attributes["for"])
        elif tag in ("input", "select"):
            self.controls.add(attributes["id"])
            self._select = attributes["name"] if tag == "select" else ""
            if attributes.get("type") != "radio" or "checked" in attributes:
                self.sent[attributes["name"]] = [attributes.get("value", "")]
        elif tag == "option" and "selected" in attributes:
            self.sent[self._select] = [attributes["value"]]

    def handle_data(self, data: str) -> None:
        self.text += data
        self.texts[self._inside] = (self.texts.get(self._inside, "") + data).strip()


def form(last: dict[str, Any] | None = None, **more: Any) -> Form:
    groups = more.pop("groups", ())
    visitor = Visitor("alice", groups, last or {}, more.pop("errors", {}))
    profiles = more.pop("profiles", PROFILES)
    return Form(render(TEMPLATES, profiles, visitor, more.pop("queues", {})))


def test_an_unchanged_form_requests_the_defaults():
    options = options_of(form().sent)
    assert options == {"profile": "small"}
    assert PROFILES.choose(options, "alice", ()) == PROFILES.choose({}, "alice", ())


def test_only_the_fields_of_the_chosen_profile_count():
    sent = {**form().sent, "profile": ["custom"]}
    options = options_of(sent)
    expected = PROFILES.choose({"profile": "custom"}, "alice", ())
    assert PROFILES.choose(options, "alice", ()) == expected


def test_the_last_choice_is_preselected_if_it_is_still_allowed():
    last = {"profile": "custom", "memory": "8G", "queue": "prod", "cores": 99, "gpus": [1]}
    sent = form(last).sent
    assert sent["profile"] == ["custom"]
    assert sent["custom:memory"] == ["8G"]
    assert sent["custom:queue"] == ["prod"]
    assert sent["custom:cores"] == ["1"]
    assert form({"profile": "gone"}).sent["profile"] == ["small"]
    assert form({"profile": "custom", "queue": ["x"]}).sent["custom:queue"] == ["default"]
    assert form({"profile": ["x"]}).sent["profile"] == ["small"]
    assert form(last, groups=("students",)).sent["custom:memory"] == ["2G"]


REFUSED = {"profile": "custom", "memory": "64 GB", "cores": "2", "gpus": "x", "data": "all"}


def test_a_refused_form_keeps_what_was_typed_and_says_at_each_field_what_is_wrong():
    seen = form(REFUSED, errors=PROFILES.refused_fields(REFUSED, "alice", ()))
    kept = {name.removeprefix("custom:"): value for name, [value] in seen.sent.items()}
    assert kept.items() >= REFUSED.items()
    assert set(seen.invalid) == {"custom:memory", "custom:gpus"}
    assert seen.invalid["custom:memory"] == ["custom:memory-hint", "custom:memory-error"]
    assert "at most 16G is allowed" in seen.texts["custom:memory-error"]
    assert "give a whole number" in seen.texts["custom:gpus-error"]


def test_a_refused_choice_is_marked_and_its_default_shown():
    refused = {"profile": "custom", "queue": "prod-evil"}
    seen = form(refused, errors=PROFILES.refused_fields(refused, "alice", ()))
    assert seen.sent["custom:queue"] == ["default"]
    assert seen.invalid == {"custom:queue": ["custom:queue-error"]}


def test_a_refused_profile_marks_no_field():
    for refused in ({"profile": "nope", "memory": "x"}, {"profile": "small", "memory": "x"}):
        assert not PROFILES.refused_fields(refused, "alice", ())


def test_the_form_offers_only_what_the_cluster_has():
    most = {"memory": int(3.92 * (1 << 30)), "cores": 4, "gpus": 0}
    offer = ClusterOffer(most, frozenset(), frozenset({"ml"}))
    seen = form({"profile": "custom", "gpus": "1"}, profiles=offered_profiles(PROFILES, offer))
    assert "custom:gpus" not in seen.controls
    assert "With CUDA" not in seen.text
    assert "1G to 3.92G" in " ".join(seen.text.split())
    assert seen.sent["custom:memory"] == ["3.92G"]


def test_a_profile_that_cannot_start_says_why_and_another_one_is_chosen():
    profiles = offered_profiles(PROFILES, ClusterOffer({"memory": 1 << 30}))
    seen = form({"profile": "small"}, profiles=profiles)
    assert seen.disabled == {"profile-small"}
    assert seen.sent["profile"] == ["custom"]
    why = "2G of memory is more than this cluster gives a server (1G)."
    assert why in seen.text


def test_each_control_has_a_label_and_its_description():
    seen = form()
    assert seen.controls <= seen.labelled
    assert seen.described <= set(seen.identities)
    assert len(seen.identities) == len(set(seen.identities))


def test_a_queue_shows_its_free_capacity():
    queues = {"default": FreeCapacity(12 * 1024, 40 * 1024, 3), "prod": FreeCapacity(0, 1024, 0)}
    text = form(queues=queues).text
    assert "default (12 of 40 GiB free, 3 waiting)" in text
    assert "prod (0 of 1 GiB free)" in text


def test_values_from_the_configuration_are_escaped():
    evil = "<script>alert(1)</script>\"'"
    profiles = parse_profiles(
        [
            {
                **CUSTOM,
                "display_name": evil,
                "description": evil,
                "queue": {"choices": {evil: evil}},
                "options": {"x": {"label": evil, "choices": {evil: {"label": evil}}}},
            }
        ]
    )
    templates = Environment(loader=DictLoader({}), autoescape=False)
    html = render(
        templates,
        profiles,
        Visitor("alice", (), {"profile": "custom", "memory": evil}, {"memory": evil}),
        {},
    )
    assert evil not in html
    assert html.count("<script") == 1
    assert Form(html).sent["custom:queue"] == [evil]


class SpawnerWithoutYarn(YarnSpawner):
    async def cluster_queues(self) -> list[QueueInfo]:
        return []

    async def cluster_allocation(self) -> Allocation:
        return Allocation()

    async def cluster_offer(self, profiles: Profiles) -> ClusterOffer:
        return ClusterOffer()


async def test_a_site_overrides_the_template_in_jupyterhub_as_the_docs_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (example,) = re.findall(r"```jinja\n(.*?)```", (DOCS / "profiles.md").read_text(), re.S)
    (tmp_path / "profile_form.html").write_text(example)
    config = Config()
    config.JupyterHub.template_paths = [str(tmp_path)]
    config.JupyterHub.spawner_class = SpawnerWithoutYarn
    config.JupyterHub.db_url = "sqlite://"
    config.YarnSpawner.profiles = [SMALL, CUSTOM]
    monkeypatch.chdir(tmp_path)  # the hub writes its cookie secret there
    hub = JupyterHub(config=config)
    await hub.initialize([])
    user = orm.User(name="alice")
    hub.db.add(user)
    hub.db.commit()
    overridden = Form(await hub.users[user].spawner.get_options_form())
    hub.db.close()
    assert "which profile to choose" in overridden.text
    assert "which profile to choose" not in form().text
    assert overridden.sent == form().sent


def test_the_form_of_a_user_without_a_profile_has_no_fields():
    html = render(TEMPLATES, parse_profiles([SECRET]), Visitor("alice", (), {}), {})
    assert "You do not have access to any profile. Ask an administrator for access." in html
    assert not Form(html).sent


def test_a_query_may_name_fields_alone():
    assert options_of({"profile": ["custom"], "memory": ["8G"], "_xsrf": ["x"], "cores": [""]}) == {
        "profile": "custom",
        "memory": "8G",
    }


def test_an_option_that_is_given_twice_is_refused():
    with pytest.raises(OptionsError, match="'memory' is given twice"):
        options_of({"memory": ["1G", "2G"]})


class SpawnerWithSilentYarn(options.ProfileOptions):
    options_form = staticmethod(options.ProfileOptions.profile_form)
    user = SimpleNamespace(name="alice", groups=[], settings={"jinja2_env_sync": TEMPLATES})
    orm_spawner = SimpleNamespace(user_options={})
    accepted_options: ClassVar[dict[str, Any]] = {}
    log = logging.getLogger(__name__)

    async def cluster_queues(self) -> Any:
        await asyncio.Event().wait()

    async def cluster_offer(self, profiles: Profiles) -> ClusterOffer:
        await asyncio.Event().wait()
        raise AssertionError


class SpawnerWithYarn(SpawnerWithSilentYarn):
    step_mb = 1024
    mem_limit = cpu_limit = None
    environment: ClassVar[dict[str, str]] = {}
    queues: ClassVar[list[QueueInfo]] = []
    offer: ClassVar[ClusterOffer] = ClusterOffer()

    async def cluster_queues(self) -> list[QueueInfo]:
        return self.queues

    async def cluster_allocation(self) -> Allocation:
        return Allocation(self.step_mb, self.step_mb)

    async def cluster_offer(self, profiles: Profiles) -> ClusterOffer:
        return self.offer


@pytest.mark.parametrize(
    ("settings", "step_mb", "sentence"),
    [
        ({}, 1024, "to 16G. YARN adds 72M and rounds up to multiples of 1G."),
        ({"am_overhead_in_mem_limit": True}, 512, "to 16G. YARN rounds up to multiples of 512M."),
        ({}, 128, "to 16G "),
    ],
)
async def test_the_form_says_what_yarn_reserves_for_a_server(
    settings: dict[str, Any], step_mb: int, sentence: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(SpawnerWithYarn, "step_mb", step_mb)
    spawner = SpawnerWithYarn(profiles=[CUSTOM], **settings)
    text = " ".join(Form(await spawner.profile_form()).text.split())
    assert sentence in f"{text} "


BUSY = QueueStatistics(apps_pending=3, available_memory_mb=4096, allocated_memory_mb=8192)


@pytest.mark.parametrize(
    ("queue", "label"),
    [
        (QueueInfo(name="default", path="root.default", statistics=BUSY), "4 of 12 GiB free"),
        (QueueInfo(name="x", path="root.teams.x", statistics=BUSY), "4 of 12 GiB free, 3 waiting"),
        # The FairScheduler reports no free memory.
        (QueueInfo(name="root.default", statistics=BUSY), "(3 waiting)"),
        (QueueInfo(name="root.default"), "<"),
    ],
)
async def test_the_form_finds_a_queue_by_each_of_its_names(
    queue: QueueInfo, label: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(SpawnerWithYarn, "queues", [queue])
    for name in queue.names:
        spawner = SpawnerWithYarn(
            profiles=[{"name": "p", "memory": "1G", "queue": {"choices": [name, "other"]}}]
        )
        html = await spawner.profile_form()
        shown = html[html.index(f'<option value="{name}" selected>') :]
        assert label in shown[: shown.index("</option>") + 1]
        assert ("(" in shown[: shown.index("</option>")]) == (label != "<")


async def test_the_form_and_a_start_have_the_limits_of_the_cluster(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(SpawnerWithYarn, "offer", ClusterOffer({"memory": 2 << 30}))
    spawner = SpawnerWithYarn(profiles=[CUSTOM])
    assert "1G to 2G" in " ".join(Form(await spawner.profile_form()).text.split())
    await spawner.apply_profile({})
    assert spawner.mem_limit == 2 << 30
    given = {"profile": ["custom"], "custom:memory": ["64G"]}
    sentence = "Memory cannot be '64G': this cluster gives a server at most 2G."
    with pytest.raises(OptionsError, match=sentence):
        await spawner.read_profile_form(given)
    refused = Form(await spawner.refused_form(given, None))
    assert refused.texts["custom:memory-error"] == sentence
    assert refused.sent["custom:memory"] == ["64G"]


async def test_a_queue_that_yarn_refuses_is_marked():
    spawner = SpawnerWithYarn(profiles=[CUSTOM])
    failure = QueueError("YARN rejected the submission: the queue prod is stopped.")
    refused = Form(
        await spawner.refused_form({"profile": ["custom"], "custom:queue": ["prod"]}, failure)
    )
    assert refused.sent["custom:queue"] == ["prod"]
    assert refused.texts["custom:queue-error"] == failure.sentence


async def test_a_form_of_the_sites_own_is_left_alone():
    given = {"profile": ["custom"], "custom:memory": ["64G"]}
    own = SpawnerWithYarn(profiles=[CUSTOM])
    own.options_form = "<input>"
    assert await own.refused_form(given, None) == ""
    assert await SpawnerWithYarn(profiles=[]).refused_form(given, None) == ""


async def test_the_form_does_not_wait_long_for_the_free_capacity(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(options, "CLUSTER_TIMEOUT_SECONDS", 0.01)
    spawner = SpawnerWithSilentYarn(profiles=[CUSTOM])
    assert 'name="custom' in await spawner.profile_form()
