from __future__ import annotations

import inspect

import pytest
from jupyterhub import objects, orm
from jupyterhub.user import User

from yarnspawner import jupyterhub_types as types


def new_user() -> User:
    session = orm.new_session_factory("sqlite://")()
    row = orm.User(name="alice")
    session.add(row)
    session.commit()
    return User(row, {}, db=session)


@pytest.mark.parametrize(
    ("declared", "make"),
    [
        (types.Group, orm.Group),
        (types.OrmSpawner, orm.Spawner),
        (types.Server, objects.Server),
        (types.Hub, objects.Hub),
        (types.User, new_user),
    ],
)
def test_jupyterhub_has_each_declared_attribute(declared, make):
    properties = [name for name in vars(declared) if not name.startswith("_")]
    names = {*inspect.get_annotations(declared), *properties}
    real = make()
    assert {name for name in names if hasattr(real, name)} == names
