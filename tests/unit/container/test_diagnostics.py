from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yarnspawner.container.diagnostics import (
    OUTPUT_TAIL_BYTES,
    diagnose,
    output_tail,
    secrets_of,
)
from yarnspawner.container.payload import Launch

TOKEN = "0123/456+789=abcdef0123456789abcd"
SECRETS = secrets_of({"JUPYTERHUB_API_TOKEN": TOKEN, "JPY_API_TOKEN": TOKEN}, {})
KEY_LINES = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj", "Ms8f9p3bAdOZxw=="]
KEY = "\n".join(["-----BEGIN PRIVATE KEY-----", *KEY_LINES, "-----END PRIVATE KEY-----", ""])
CERTIFICATE = KEY.replace("PRIVATE KEY", "CERTIFICATE")


@given(
    before=st.text(max_size=6000),
    token=st.sampled_from([TOKEN, quote(TOKEN, safe="")]),
    after=st.text(max_size=6000),
)
def test_no_token_is_in_the_diagnostics_not_even_a_part_of_it(
    tmp_path_factory, before, token, after
):
    log = tmp_path_factory.mktemp("log") / "stderr"
    log.write_bytes(f"{before}{token}{after}".encode())
    tail = output_tail(str(log), SECRETS)
    assert len(tail) <= OUTPUT_TAIL_BYTES
    assert not any(token[i : i + 12] in tail for i in range(len(token) - 11))


@pytest.mark.parametrize("written", [KEY, json.dumps(KEY), KEY.replace("\n", "\r\n")])
def test_no_line_of_a_private_key_is_in_the_diagnostics(tmp_path: Path, written: str):
    log = tmp_path / "stderr"
    log.write_text(f"can't load {written} as a key")
    tail = output_tail(str(log), secrets_of({}, {"internal-ssl/keyfile.pem": KEY.encode()}))
    assert not any(line in tail for line in KEY_LINES)
    assert "[internal-ssl/keyfile.pem]" in tail
    assert tail.endswith("as a key")


def test_only_what_is_named_like_a_secret_is_one():
    environment = {"MEM_LIMIT": "1073741824", "MY_PASSWORD": "hunter2hunter2", "A_TOKEN": "x"}
    files = {"notes.txt": b"a line that is long enough", "certificate.pem": CERTIFICATE.encode()}
    assert secrets_of(environment, files) == {"hunter2hunter2": "MY_PASSWORD"}


def test_a_very_long_line_is_cut(tmp_path: Path):
    log = tmp_path / "stderr"
    log.write_bytes(b"x" * (10 << 20) + b"\nThe end.\n")
    tail = output_tail(str(log), SECRETS)
    assert len(tail) == OUTPUT_TAIL_BYTES - 1  # the last newline is not told
    assert tail.endswith("x\nThe end.")


def test_nothing_is_read_of_a_pipe():
    reading, writing = os.pipe()
    os.write(writing, b"words")
    assert output_tail(f"/proc/self/fd/{writing}", {}) == ""
    os.close(writing)
    os.close(reading)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (3, "The notebook server ended with exit code 3."),
        (-signal.SIGSEGV, "The notebook server ended with signal SIGSEGV."),
        (-40, "The notebook server ended with signal 40."),
        (-9, "The notebook server ended with signal SIGKILL (usually out of memory)."),
        (137, "The notebook server ended with exit code 137 (usually out of memory)."),
    ],
)
def test_the_end_is_told_in_a_sentence(code: int, sentence: str):
    assert diagnose(code, Launch(["x"], {}, []), {}).partition("\n")[0] == sentence


def test_a_server_that_ended_well_needs_no_words():
    assert diagnose(0, Launch(["x"], {}, []), {}) == ""
