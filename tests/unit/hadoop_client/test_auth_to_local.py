"""Users of principals. Expected values are those of Hadoop's own HadoopKerberosName."""

from __future__ import annotations

import pytest

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.security.auth_to_local import MECHANISM, RULES, user_of

REALM = "EXAMPLE.COM"
WRITTEN = """
RULE:[2:$1@$0]([ndr]m@.*EXAMPLE.COM)s/.*/hdfs/
RULE:[2:$1@$0](jupyterhub@EXAMPLE.COM)s/.*/svcjh/
RULE:[1:$1@$0](.*@CORP.COM)s/@.*///L
RULE:[2:$1;$2](^.*;admin$)s/;admin$//
RULE:[1:$1@$0](x-.*@EXAMPLE.COM)s/-/_/g
DEFAULT"""


@pytest.mark.parametrize(
    ("principal", "user"),
    [
        ("nm/host@EXAMPLE.COM", "hdfs"),
        ("jupyterhub/edge@EXAMPLE.COM", "svcjh"),
        ("Alice@CORP.COM", "alice"),
        ("bob/admin@OTHER.COM", "bob"),
        ("alice@EXAMPLE.COM", "alice"),
        ("alice/host@EXAMPLE.COM", "alice"),
        ("x-a-b@EXAMPLE.COM", None),  # the result is no simple name
        ("alice@OTHER.COM", None),
        ("alice", "alice"),
    ],
)
def test_rules_of_a_site(principal: str, user: str | None) -> None:
    assert user_of(principal, Configuration({RULES: WRITTEN}), REALM) == user


@pytest.mark.parametrize(
    ("principal", "user"),
    [("alice@EXAMPLE.COM", "alice"), ("hub/h@EXAMPLE.COM", "hub"), ("alice@OTHER.COM", None)],
)
def test_without_rules_only_the_default_realm_has_users(principal: str, user: str | None) -> None:
    assert user_of(principal, Configuration({}), REALM) == user


def test_rules_on_one_line() -> None:
    rules = "RULE:[1:$1@$0](.*@A)s/@.*// RULE:[1:$1@$0](.*@B)s/(.*)@.*/$1-b/"
    configuration = Configuration({RULES: rules})
    assert user_of("alice@A", configuration, REALM) == "alice"
    assert user_of("alice@B", configuration, REALM) == "alice-b"


def test_mits_mechanism_keeps_what_no_rule_applies_to() -> None:
    configuration = Configuration({MECHANISM: "mit"})
    assert user_of("alice@OTHER.COM", configuration, REALM) == "alice@OTHER.COM"


@pytest.mark.parametrize(
    "rules", ["RULE:[x]", "DEFAULT nonsense", "RULE:[1:$3](.*)", "RULE:[1:$1](()"]
)
def test_an_invalid_rule_is_an_error(rules: str) -> None:
    with pytest.raises(ConfigurationError, match=r"hadoop\.security\.auth_to_local has an invalid"):
        user_of("alice@OTHER.COM", Configuration({RULES: rules}), REALM)
