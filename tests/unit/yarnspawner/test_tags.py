from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yarnspawner.failures import ImpersonationError
from yarnspawner.tags import hub_tag, new_spawn_tag, spawn_tags
from yarnspawner.users import SUPERUSERS, check_user

FORBIDDEN = set(SUPERUSERS)


def test_a_hub_has_the_same_tag_after_a_restart_and_no_other_hub_has_it():
    tag = hub_tag(b"secret", "http://10.0.0.1:8081/hub/api")
    assert tag == hub_tag(b"secret", "http://10.0.0.1:8081/hub/api")
    assert tag != hub_tag(b"another", "http://10.0.0.1:8081/hub/api")
    assert tag != hub_tag(b"secret", "http://10.0.0.2:8081/hub/api")
    assert b"secret" not in tag.encode()


def test_each_start_has_a_tag_that_is_told_from_the_hubs():
    one, two = new_spawn_tag(), new_spawn_tag()
    hub = hub_tag(b"secret", "http://10.0.0.1:8081/hub/api")
    assert one != two
    assert spawn_tags((hub, one, "yarnhub", "theirs")) == {one}


@pytest.mark.parametrize("name", ["alice", "alice.b-c_d", "alice@example.com", "数据", "a%b~c"])
def test_people_may_have_servers(name):
    check_user(name, "jupyterhub", FORBIDDEN)


# Log-in names that Hadoop takes for a superuser, or for a service.
SUPERUSER_NAMES = ["hdfs", "yarn", "root", "HDFS", "hdfs@REALM"]
HUB_NAMES = ["jupyterhub", "JupyterHub", "jupyterhub@R"]
MALFORMED = ["a/b@R", "hdfs/nn.example@R", "", " ", "a b", "a,b", "a:b", "*", "a\nb", "a\x00"]
FOLDERS = [".", ".."]


@pytest.mark.parametrize("name", [*SUPERUSER_NAMES, *HUB_NAMES, *MALFORMED, *FOLDERS])
def test_superusers_the_hub_itself_and_malformed_principals_may_not(name):
    with pytest.raises(ImpersonationError):
        check_user(name, "jupyterhub/edge.example@REALM", FORBIDDEN)


@given(st.text(max_size=20))
def test_no_name_passes_that_a_principal_or_an_acl_could_read_otherwise(name):
    try:
        check_user(name, "jupyterhub", FORBIDDEN)
    except ImpersonationError:
        return
    assert name
    assert not set(name) & set("/,:* \t\n\x00")
