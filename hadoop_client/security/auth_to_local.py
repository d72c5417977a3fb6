"""Hadoop's rules from Kerberos principals to users: `hadoop.security.auth_to_local`. Pure.

A rule is `RULE:[n:format](filter)s/pattern/replacement/g/L`, or `DEFAULT`, which takes the first
part of a principal of the default realm. The first rule that applies counts.

Source: org.apache.hadoop.security.authentication.util.KerberosName.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hadoop_client.configuration import Configuration, ConfigurationError

RULES = "hadoop.security.auth_to_local"
MECHANISM = "hadoop.security.auth_to_local.mechanism"

_RULE = re.compile(
    r"\s*(?:(?P<default>DEFAULT)|RULE:\[(?P<parts>\d+):(?P<format>[^\]]*)\](?:\((?P<filter>[^)]*)\))?"
    r"(?:s/(?P<pattern>[^/]*)/(?P<replacement>[^/]*)/(?P<all>g)?)?)/?(?P<lower>L)?"
)


@dataclass(frozen=True)
class Rule:
    """A parsed rule. `parts` is the number of parts before the realm; None for `DEFAULT`."""

    parts: int | None = None
    format: str = ""
    filter: str = ""
    pattern: str = ""
    replacement: str = ""
    replaces_all: bool = False
    lower: bool = False

    def apply(self, parts: list[str], realm: str, default_realm: str) -> str | None:
        """Return the user; None if the rule does not apply."""
        if self.parts is None:
            return parts[0] if realm == default_realm else None
        if self.parts != len(parts):
            return None
        values = [realm, *parts]
        base = re.sub(r"\$(\d)", lambda match: values[int(match[1])], self.format)
        if self.filter and not re.fullmatch(self.filter, base):
            return None
        name = base
        if self.pattern:
            replacement = re.sub(r"\$(\d)", r"\\\1", self.replacement)
            name = re.sub(self.pattern, replacement, base, count=0 if self.replaces_all else 1)
        return name.lower() if self.lower else name


def parse_rules(text: str) -> list[Rule]:
    """Parse the property; raises ConfigurationError."""
    rules, position = [], 0
    text = text.strip() or "DEFAULT"
    while position < len(text):
        match = _RULE.match(text, position)
        if match is None:
            raise ConfigurationError(f"{RULES} has an invalid rule at {text[position:][:60]!r}.")
        position = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
        if match["default"]:
            rules.append(Rule())
            continue
        rules.append(
            Rule(
                parts=int(match["parts"]),
                format=match["format"],
                filter=match["filter"] or "",
                pattern=match["pattern"] or "",
                replacement=match["replacement"] or "",
                replaces_all=bool(match["all"]),
                lower=bool(match["lower"]),
            )
        )
    return rules


def user_of(principal: str, configuration: Configuration, default_realm: str) -> str | None:
    """Return the user that a principal has in Hadoop; None if no rule applies.

    A name without a realm is a user already. Raises ConfigurationError for an invalid rule.
    """
    name, at, realm = principal.partition("@")
    parts = name.split("/")
    if not at:
        return parts[0]
    is_mit = (configuration.get(MECHANISM) or "").strip().lower() == "mit"
    try:
        for rule in parse_rules(configuration.get(RULES) or ""):
            user = rule.apply(parts, realm, default_realm)
            if user is not None:
                return user if is_mit or not re.search("[/@]", user) else None
    except (re.error, IndexError) as error:
        raise ConfigurationError(f"{RULES} has an invalid rule: {error}.") from error
    return principal if is_mit else None
