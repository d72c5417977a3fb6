"""The form in which users choose a profile, shown inside JupyterHub's spawn page in its style.

- Each profile is a card; only the fields of the chosen profile are shown. The form works with the
  keyboard alone, on a phone, in JupyterHub's light and dark themes, and without scripts.
- The last choice is preselected if it is still allowed.
- The markup is the template profile_form.html, which a site can override through
  `c.JupyterHub.template_paths`.
- `options_of` only reads the submitted form; `Profiles.choose` validates it.

The form's names are `profile`, and `PROFILE:FIELD` for each field. A query may use the field's name
alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment

from yarnspawner.failures import OptionsError
from yarnspawner.profiles.model import (
    LABELS,
    Choices,
    Field,
    Profile,
    Profiles,
    Range,
    parse_count,
    parse_memory,
)
from yarnspawner.templates import with_ours

TEMPLATE = "profile_form.html"


@dataclass(frozen=True)
class FreeCapacity:
    """A queue's free and total memory in MiB, and the number of applications that wait in it.

    `total_mb` is 0 if YARN does not report the memory.
    """

    free_mb: int
    total_mb: int
    waiting: int
    is_open: bool = True

    def __str__(self) -> str:
        if not self.is_open:
            return "closed"
        free, total = (f"{amount / 1024:.0f}" for amount in (self.free_mb, self.total_mb))
        memory = [f"{free} of {total} GiB free"] if self.total_mb else []
        return ", ".join([*memory, *([f"{self.waiting} waiting"] if self.waiting else [])])


@dataclass(frozen=True)
class FormField:
    """A field as the template shows it; `choices` is empty for a number."""

    name: str
    label: str
    value: str
    choices: Mapping[str, str] = field(default_factory=dict)
    is_memory: bool = False
    least: str = ""
    most: str = ""


@dataclass(frozen=True)
class FormProfile:
    """A profile as the template shows it."""

    name: str
    display_name: str
    description: str
    chosen: bool
    fields: Sequence[FormField]


def render(
    hub_templates: Environment,
    profiles: Profiles,
    user: str,
    groups: Collection[str],
    last: Mapping[str, object],
    queues: Mapping[str, FreeCapacity],
    reserved: str = "",
) -> str:
    """Return the form's HTML, without the `<form>` element, with the `last` choice preselected.

    `reserved` is a sentence on the memory that YARN reserves for a server.
    """
    template = with_ours(hub_templates).get_template(TEMPLATE)
    shown = _shown(profiles, user, groups, last, queues)
    return template.render(user=user, profiles=shown, reserved=reserved)


def _shown(
    profiles: Profiles,
    user: str,
    groups: Collection[str],
    last: Mapping[str, object],
    queues: Mapping[str, FreeCapacity],
) -> list[FormProfile]:
    allowed = profiles.open_to(user, groups)
    names = [profile.name for profile in allowed]
    chosen = last.get("profile") if last.get("profile") in names else next(iter(names), "")
    return [
        FormProfile(
            profile.name,
            profile.display_name,
            profile.description,
            profile.name == chosen,
            list(_fields(profile, user, groups, last if profile.name == chosen else {}, queues)),
        )
        for profile in allowed
    ]


def _fields(
    profile: Profile,
    user: str,
    groups: Collection[str],
    last: Mapping[str, object],
    queues: Mapping[str, FreeCapacity],
) -> Iterator[FormField]:
    for name, declared in profile.fields_for(user, groups).items():
        capacity = queues if name == "queue" else {}
        yield _field(f"{profile.name}:{name}", LABELS[name], declared, last.get(name), capacity)
    for name, option in profile.options.items():
        yield _field(f"{profile.name}:{name}", option.label, option.choices, last.get(name), {})


def _field(
    name: str, label: str, declared: Field, last: object, capacity: Mapping[str, FreeCapacity]
) -> FormField:
    if isinstance(declared, Choices):
        chosen = last if isinstance(last, str) and last in declared.labels else declared.default
        choices = {
            value: f"{text} ({free})" if (free := str(capacity.get(value, ""))) else text
            for value, text in declared.labels.items()
        }
        return FormField(name, label, chosen, choices)
    return FormField(
        name,
        label,
        _number(declared, last),
        is_memory=declared.is_memory,
        least=declared.show(declared.least),
        most=declared.show(declared.most),
    )


def _number(declared: Range, last: object) -> str:
    number = parse_memory(last) if declared.is_memory else parse_count(last)
    if number is None or not declared.least <= number <= declared.most:
        number = declared.default
    return declared.show(number)


def options_of(form: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Read a form, or a query, into options. An empty field is left out and so gets its default.

    Fields of other profiles are left out too. Raises `OptionsError` if a field is given twice.
    """
    twice = [name for name, values in form.items() if len(values) > 1]
    if twice:
        raise OptionsError(f"{twice[0][:40]!r} is given twice: give each option once.")
    given = {name: values[0] for name, values in form.items() if values and name != "_xsrf"}
    profile = given.get("profile", "")
    options: dict[str, str] = {}
    for name, value in given.items():
        owner, colon, own_name = name.partition(":")
        if value != "" and (not colon or owner == profile):
            options[own_name if colon else name] = value
    return options
