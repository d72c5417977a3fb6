from __future__ import annotations

import pytest

from yarnspawner.hub.kept_session import KeptSession, kept_session

OPTION = "--SessionState.directory_template"


HOME = "/user/alice"


def test_a_named_servers_archive_is_deleted_with_it() -> None:
    kept = kept_session([], HOME, "alice", "second")
    assert kept == KeptSession("/user/alice/.yarnhub/session/named-second.tar.gz")


def test_the_default_directory_is_deleted_with_its_user() -> None:
    assert kept_session([], HOME, "alice", "") == KeptSession(
        "/user/alice/.yarnhub/session", is_directory=True
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [f"{OPTION}=/sessions/{{username}}"],
        [OPTION, "/sessions/{username}"],
        [f"{OPTION}=/other", "--debug", f"{OPTION}=/sessions/{{username}}/"],
    ],
)
def test_a_configured_directory_is_used_and_never_deleted_as_a_whole(
    arguments: list[str],
) -> None:
    """It may contain anything else, and directories that another user renamed to it."""
    for server, name in {"": "default.tar.gz", "a/b": "named-a%2Fb.tar.gz"}.items():
        assert kept_session(arguments, HOME, "alice", server) == KeptSession(
            f"/sessions/alice/{name}"
        )


@pytest.mark.parametrize("template", ["/x/{other}", "relative", "/x/../{username}", "/x/{"])
def test_a_template_that_is_not_a_directory_deletes_nothing(template: str) -> None:
    with pytest.raises(ValueError, match=r"braces|absolute path|contains '\.{1,2}'|Single '{'"):
        kept_session([f"{OPTION}={template}"], HOME, "alice", "")


@pytest.mark.parametrize("user", ["..", "a/b", "."])
def test_a_name_that_leads_elsewhere_deletes_nothing(user: str) -> None:
    with pytest.raises(ValueError, match=r"slash|contains '\.{1,2}'"):
        kept_session([f"{OPTION}=/sessions/{{username}}"], HOME, user, "")
