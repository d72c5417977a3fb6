"""The log-in by OpenID Connect in examples/, in a real hub, at a provider of its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.hadoop.examples.test_examples import example
from tests.hadoop.hub import Hub
from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.ports import held_ports

#: What the provider knows of its users: their claims, by the subject, which is no name.
USERS = {
    "4711": {"preferred_username": "alice", "email": "alice@example.com"},
    "4712": {"preferred_username": "mallory", "email": "alice@example.com"},
    "4713": {"email": "alice@example.com"},
}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, wait_until: Any) -> Iterator[httpx.Client]:
    """An OpenID Connect provider that lets its users in without a password."""
    options = ["--require-registration"]
    for subject, claims in USERS.items():
        options += ["--user-claims", json.dumps({"sub": subject, **claims})]
    log = tmp_path_factory.mktemp("provider") / "log"
    with held_ports(1) as (port,), log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *options],
            stdout=output,
            stderr=output,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:

                def answers() -> bool:
                    assert process.poll() is None, log.read_text()
                    try:
                        return client.get("/").is_success
                    except httpx.TransportError:
                        return False

                wait_until(answers, 30, "the provider answers")
                yield client
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def oidc_hub(
    hadoop: MiniHadoop, provider: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hub]:
    """A hub with the example's configuration, registered at the provider."""
    folder = tmp_path_factory.mktemp("oidc")
    hub = Hub(folder, hadoop.env(), "c.Authenticator.allow_all = False\n")
    client = {
        "redirect_uris": [f"{hub.url}/hub/oauth_callback"],
        "token_endpoint_auth_method": "client_secret_post",
    }
    registration = provider.post("/oauth2/clients", json=client).json()
    (folder / "oidc.secret").write_text(registration["client_secret"] + "\n")
    configuration = example(
        "oidc.py",
        **{
            "/etc/jupyterhub": str(folder),
            '"jupyterhub"': repr(registration["client_id"]),
            "https://login.example.com": str(provider.base_url).rstrip("/"),
            "https://hub.example.com": hub.url,
        },
    )
    with hub.config.open("a") as file:
        file.write(configuration)
    try:
        hub.start()
        yield hub
        hub.stop_servers()
    finally:
        hub.stop()


def log_in(hub: Hub, subject: str | None) -> tuple[int, httpx.Response]:
    """Log in as a user of the provider, or deny it there.

    Returns the status of the hub's last page, and what the hub then says of this browser's user.
    """
    with httpx.Client(trust_env=False, follow_redirects=True, timeout=60) as browser:
        form = browser.get(f"{hub.url}/hub/oauth_login?next=/hub/home")
        assert form.is_success, form.text
        answer = {"action": "deny"} if subject is None else {"sub": subject}
        page = browser.post(form.url, data=answer)
        return page.status_code, browser.get(f"{hub.url}/hub/api/user")


def test_the_addresses_of_the_example_are_those_that_the_provider_publishes(
    provider: httpx.Client,
):
    published = provider.get("/.well-known/openid-configuration").json()
    text = example("oidc.py")
    for name, key in (
        ("authorize_url", "authorization_endpoint"),
        ("token_url", "token_endpoint"),
        ("userdata_url", "userinfo_endpoint"),
    ):
        assert f'{name} = "https://login.example.com{urlsplit(published[key]).path}"' in text


def test_who_the_provider_knows_starts_a_server_under_the_name_of_the_claim(oidc_hub: Hub):
    status, user = log_in(oidc_hub, "4711")
    assert (status, user.json()["name"]) == (200, "alice")
    oidc_hub.start_server("alice")
    environment = oidc_hub.environment_of("alice")
    assert environment["HADOOP_USER_NAME"] == "alice"
    assert (oidc_hub.folder / "oidc.secret").read_text().strip() not in json.dumps(environment)


@pytest.mark.parametrize(
    ("subject", "status"),
    [("4712", 403), ("4713", 500), (None, 400)],
    ids=["not allowed", "without the claim", "denied"],
)
def test_others_do_not_get_in(oidc_hub: Hub, subject: str | None, status: int):
    seen, user = log_in(oidc_hub, subject)
    assert (seen, user.status_code) == (status, 403)


def test_a_code_that_another_browser_was_given_logs_nobody_in(oidc_hub: Hub):
    with httpx.Client(trust_env=False, timeout=60) as attacker:
        start = attacker.get(f"{oidc_hub.url}/hub/oauth_login")
        back = attacker.post(start.headers["location"], data={"sub": "4711"}).headers["location"]
    assert parse_qs(urlsplit(back).query)["code"]
    with httpx.Client(trust_env=False, timeout=60) as victim:
        assert victim.get(back).status_code == 400
        assert victim.get(f"{oidc_hub.url}/hub/api/user").status_code == 403
