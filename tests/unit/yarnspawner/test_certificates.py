from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from yarnspawner.launch.certificates import (
    VARIABLES,
    alt_names,
    container_path,
    fingerprint,
    read_files,
)


def test_a_certificate_names_nodes_by_name_and_by_address():
    names = alt_names(["node2.example", "10.0.0.1", "node1.example", "::1", "10.0.0.1"])
    assert names == ["DNS:node1.example", "DNS:node2.example", "IP:10.0.0.1", "IP:::1"]


def test_the_files_are_read_for_where_the_container_has_them(tmp_path: Path):
    paths = {}
    for name in VARIABLES:
        (tmp_path / name).write_text(name)
        paths[name] = str(tmp_path / name)
    files = read_files(paths)
    assert files == {container_path(name): name.encode() for name in VARIABLES}


def test_the_fingerprint_is_the_sha256_of_the_servers_own_certificate():
    certificates = [ssl.DER_cert_to_PEM_cert(name.encode()) for name in ("server", "authority")]
    files = {container_path("certfile"): "".join(certificates).encode()}
    assert fingerprint(files) == hashlib.sha256(b"server").hexdigest()


def test_without_internal_ssl_there_is_no_fingerprint():
    assert fingerprint({}) == ""
