"""The form in which people choose a profile, in JupyterHub's own page and in its own style.

- One card for each profile; the fields of the chosen one are shown, the others' are not. It works
  by keyboard alone, on a phone, in JupyterHub's light and dark, and without scripts.
- What is wrong in a field that is not shown keeps nobody from starting: a script of a few lines
  takes those fields out of the form, as no style can.
- What was chosen last is chosen already, where it is still allowed.
- `options_of` reads what comes back, and believes none of it: `Profiles.choose` checks.

Names in the form are `profile`, and `PROFILE:FIELD` for its fields. A query may name fields alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

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

STYLE = """
<style>
  .yarn-profile .yarn-fields { display: none; }
  .yarn-profile:has(> .card-body > .form-check > input:checked) .yarn-fields { display: block; }
  .yarn-profile:has(> .card-body > .form-check > input:checked) {
    border-color: var(--bs-primary, #f37524); }
  .yarn-profile .form-check-label { width: 100%; cursor: pointer; }
</style>
"""

SCRIPT = """
<script>
  (() => {
    const cards = document.querySelectorAll(".yarn-profile");
    const settle = () => cards.forEach((card) => {
      const chosen = card.querySelector("input[name=profile]").checked;
      const fields = card.querySelectorAll(".yarn-fields [name]");
      fields.forEach((field) => { field.disabled = !chosen; });
    });
    cards.forEach((card) => card.addEventListener("change", settle));
    addEventListener("pageshow", settle);  // also where a browser goes back to what was filled in
  })();
</script>
"""


@dataclass(frozen=True)
class QueueRoom:
    """What a queue has left: MiB of memory, and how many applications wait for it; and whether it
    takes any."""

    free_mb: int
    total_mb: int
    waiting: int
    is_open: bool = True

    def __str__(self) -> str:
        if not self.is_open:
            return "closed"
        free, total = (f"{amount / 1024:.0f}" for amount in (self.free_mb, self.total_mb))
        waits = f", {self.waiting} waiting" if self.waiting else ""
        return f"{free} of {total} GiB free{waits}"


def render(
    profiles: Profiles,
    user: str,
    groups: Collection[str],
    last: Mapping[str, Any],
    queues: Mapping[str, QueueRoom],
) -> str:
    """Return the form's HTML, to stand within JupyterHub's `<form>`."""
    seen = profiles.open_to(user, groups)
    if not seen:
        return '<p class="alert alert-warning">No profile is open to you: ask an administrator.</p>'
    names = [profile.name for profile in seen]
    chosen = last.get("profile") if last.get("profile") in names else names[0]
    cards = "".join(
        _card(profile, user, groups, last if profile.name == chosen else None, queues)
        for profile in seen
    )
    legend = '<legend class="visually-hidden">Profile</legend>'
    return f"{STYLE}<fieldset>{legend}{cards}</fieldset>{SCRIPT}"


def _card(
    profile: Profile,
    user: str,
    groups: Collection[str],
    last: Mapping[str, Any] | None,
    queues: Mapping[str, QueueRoom],
) -> str:
    """Return one profile; `last` where it is the chosen one."""
    identity = f"profile-{profile.name}"
    checked = " checked" if last is not None else ""
    about = f"{identity}-about"
    description = (
        f'<div class="text-body-secondary" id="{about}">{escape(profile.description)}</div>'
        if profile.description
        else ""
    )
    rows = [
        _field(profile.name, name, LABELS[name], each, (last or {}).get(name), queues)
        for name, each in profile.fields_for(user, groups).items()
    ]
    rows += [
        _field(profile.name, name, option.label, option.choices, (last or {}).get(name), {})
        for name, option in profile.options.items()
    ]
    fields = f'<div class="yarn-fields mt-3">{"".join(rows)}</div>' if rows else ""
    described = f' aria-describedby="{about}"' if description else ""
    return (
        '<div class="card mb-2 yarn-profile"><div class="card-body"><div class="form-check">'
        f'<input class="form-check-input" type="radio" name="profile" id="{identity}" '
        f'value="{profile.name}"{checked}{described} required>'
        f'<label class="form-check-label" for="{identity}">'
        f"<strong>{escape(profile.display_name)}</strong></label>{description}</div>{fields}"
        "</div></div>"
    )


def _field(
    profile: str,
    name: str,
    label: str,
    each: Field,
    last: object,
    queues: Mapping[str, QueueRoom],
) -> str:
    identity = f"{profile}:{name}"
    if isinstance(each, Choices):
        control, hint = _select(identity, name, each, last, queues), ""
    else:
        control, hint = _number(identity, each, last)
    return (
        '<div class="row mb-2">'
        f'<label class="col-sm-4 col-form-label" for="{identity}">{escape(label)}</label>'
        f'<div class="col-sm-8">{control}{hint}</div></div>'
    )


def _select(
    identity: str, name: str, each: Choices, last: object, queues: Mapping[str, QueueRoom]
) -> str:
    chosen = last if isinstance(last, str) and last in each.labels else each.default
    options = []
    for value, label in each.labels.items():
        room = f" ({queues[value]})" if name == "queue" and value in queues else ""
        selected = " selected" if value == chosen else ""
        options.append(f'<option value="{escape(value)}"{selected}>{escape(label + room)}</option>')
    return (
        f'<select class="form-select" id="{identity}" name="{identity}">{"".join(options)}</select>'
    )


def _number(identity: str, each: Range, last: object) -> tuple[str, str]:
    number = parse_memory(last) if each.is_memory else parse_count(last)
    allowed = number is not None and each.least <= number <= each.most
    value = each.show(number if allowed and number is not None else each.default)
    hint = f"{identity}-hint"
    kind = (
        r'type="text" inputmode="decimal" pattern="\s*[0-9]+([.][0-9]+)?\s*[KMGTkmgt]?i?[Bb]?\s*"'
        if each.is_memory
        else f'type="number" step="1" min="{each.least}" max="{each.most}"'
    )
    control = (
        f'<input class="form-control" id="{identity}" name="{identity}" {kind} '
        f'value="{value}" aria-describedby="{hint}">'
    )
    limits = f"{each.show(each.least)} to {each.show(each.most)}"
    return control, f'<div class="form-text" id="{hint}">{limits}</div>'


def options_of(form: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Read a form, or a query, into options; a field that was left empty has its default.

    Fields of profiles that were not chosen are left out. Raises `OptionsError` where a field is
    given twice.
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
