"""The form in which users choose a profile, shown inside JupyterHub's spawn page in its style.

- Each profile is a card; only the fields of the chosen profile are shown. The form works with the
  keyboard alone, on a phone, in JupyterHub's light and dark themes, and without scripts.
- The last choice is preselected if it is still allowed.
- A refused form keeps what was typed, and shows at each wrong field why it was refused.
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
    Choices,
    Profile,
    Profiles,
    Range,
    parse_count,
    parse_memory,
)
from yarnspawner.templates import with_ours

TEMPLATE = "profile_form.html"

#: How much of a refused value the form shows again.
MAX_TYPED_CHARS = 200


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
    error: str = ""


@dataclass(frozen=True)
class FormProfile:
    """A profile as the template shows it."""

    name: str
    display_name: str
    description: str
    unavailable: str
    chosen: bool
    fields: Sequence[FormField]


@dataclass(frozen=True)
class Visitor:
    """Who sees the form.

    `values` are the options to preselect: those of the last start, or those that were refused.
    `errors` are sentences by field, if they were refused.
    """

    name: str
    groups: Collection[str]
    values: Mapping[str, object]
    errors: Mapping[str, str] = field(default_factory=dict)


def render(
    hub_templates: Environment,
    profiles: Profiles,
    visitor: Visitor,
    queues: Mapping[str, FreeCapacity],
    reserved: str = "",
) -> str:
    """Return the form's HTML, without the `<form>` element.

    `reserved` is a sentence on the memory that YARN reserves for a server.
    """
    template = with_ours(hub_templates).get_template(TEMPLATE)
    shown = _shown(profiles, visitor, queues)
    return template.render(user=visitor.name, profiles=shown, reserved=reserved)


def _shown(
    profiles: Profiles, visitor: Visitor, queues: Mapping[str, FreeCapacity]
) -> list[FormProfile]:
    allowed = profiles.open_to(visitor.name, visitor.groups)
    names = [profile.name for profile in allowed if not profile.unavailable]
    wanted = visitor.values.get("profile")
    chosen = wanted if wanted in names else next(iter(names), "")
    others = Visitor(visitor.name, visitor.groups, {})
    return [
        FormProfile(
            profile.name,
            profile.display_name,
            profile.description,
            profile.unavailable,
            profile.name == chosen,
            list(_fields(profile, visitor if profile.name == chosen else others, queues)),
        )
        for profile in allowed
    ]


def _fields(
    profile: Profile, visitor: Visitor, queues: Mapping[str, FreeCapacity]
) -> Iterator[FormField]:
    if profile.unavailable:
        return
    controls = profile.controls_for(visitor.name, visitor.groups)
    for name, (label, declared) in controls.items():
        error = visitor.errors.get(name, "")
        if isinstance(declared, Range) and not declared.most and not error:
            continue  # There is nothing to choose: no GPU for this user or on this cluster.
        control, value = f"{profile.name}:{name}", visitor.values.get(name)
        if isinstance(declared, Range):
            yield _number_field(control, label, declared, value, error)
        else:
            capacity = queues if name == "queue" else {}
            yield _choice_field(control, label, declared, value, capacity, error)


def _choice_field(
    name: str,
    label: str,
    declared: Choices,
    value: object,
    capacity: Mapping[str, FreeCapacity],
    error: str,
) -> FormField:
    chosen = value if isinstance(value, str) and value in declared.labels else declared.default
    choices = {
        value: f"{text} ({free})" if (free := str(capacity.get(value, ""))) else text
        for value, text in declared.labels.items()
    }
    return FormField(name, label, chosen, choices, error=error)


def _number_field(name: str, label: str, declared: Range, value: object, error: str) -> FormField:
    return FormField(
        name,
        label,
        str(value)[:MAX_TYPED_CHARS] if error else _number(declared, value),
        is_memory=declared.is_memory,
        least=declared.show(declared.least),
        most=declared.show(declared.most),
        error=error,
    )


def _number(declared: Range, value: object) -> str:
    number = parse_memory(value) if declared.is_memory else parse_count(value)
    if number is None or not declared.least <= number <= declared.most:
        return declared.show(declared.default)
    return value.strip() if isinstance(value, str) else declared.show(number)


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
