from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from jupyterlab.commands import _yarn_config

from yarnspawner.container.deferred import DEFERRED
from yarnspawner.container.lab_settings import no_settings

DEFER = "from yarnspawner.container.deferred import *\n"
DEFER_ALL = DEFER + "defer()\n"

#: What a server imports before it listens.
SERVER = """
import jupyterhub.singleuser.extension, jupyterlab.labhubapp, jupyter_client.kernelspec
jupyter_client.kernelspec.KernelSpecManager().kernel_dirs
"""

#: Uses of each deferred module, through the modules that import it. Each line is a result.
USES = {
    "rfc3987_syntax": """
        from rfc3987_syntax import is_valid_syntax as is_valid
        names = ["http://a.example/é", "//a/b?c#d", "a b", "http://[::1]/", "", "%zz", "ö:x"]
        print([(rule, is_valid(rule, name)) for rule in ("iri", "iri_reference") for name in names])
        import rfc3987_syntax
        print(rfc3987_syntax.is_valid_syntax is is_valid)
        """,
    "jupyterhub.handlers.pages": """
        import jupyterhub.log
        from jupyterhub.handlers.pages import HomeHandler, HealthCheckHandler
        check = HealthCheckHandler.__new__(HealthCheckHandler)
        for handler in HealthCheckHandler, jupyterhub.log.HealthCheckHandler:
            print(isinstance(check, handler), isinstance(object(), handler), HomeHandler.__mro__)
        print(jupyterhub.handlers.default_handlers[:3])
        """,
    "jupyterhub.handlers": """
        import jupyterhub.handlers.base
        print(jupyterhub.handlers.base.BaseHandler.__mro__)
        print(jupyterhub.handlers.base is __import__("sys").modules["jupyterhub.handlers.base"])
        """,
    "jupyterhub.orm": """
        import jupyterhub.scopes
        from jupyterhub import orm
        db = orm.new_session_factory("sqlite:///:memory:")()
        db.add(orm.User(name="ana"))
        db.commit()
        print([user.name for user in db.query(orm.User)], jupyterhub.scopes.orm is orm)
        """,
    "jupyterhub.roles": """
        from jupyterhub import roles, scopes
        print(scopes.expand_scopes(["self"]), roles.get_default_roles())
        """,
    "sqlalchemy": """
        import sqlalchemy as sa, sqlalchemy.orm
        with sa.create_engine("sqlite://").connect() as connection:
            print(connection.execute(sa.text("select 1")).all())
        print(sqlalchemy.orm.Session.__module__, sqlalchemy.orm.sessionmaker.__mro__)
        """,
    "sqlalchemy.exc": """
        import asyncio
        from jupyterhub import utils
        from unittest.mock import Mock
        async def fail(self):
            import sqlalchemy
            sqlalchemy.create_engine("sqlite://").connect().execute(sqlalchemy.text("nonsense"))
        handler = Mock()
        asyncio.run(utils.catch_db_error(fail)(handler))
        print(handler.db.rollback.call_count)
        """,
    "jupyterlab.extensions.pypi": """
        from jupyterlab.extensions import get_pypi_manager
        manager = get_pypi_manager()
        print(type(manager).__mro__, manager.metadata)
        """,
    "requests": """
        import requests
        from requests.exceptions import ConnectionError, RequestException
        print(requests.ConnectionError is ConnectionError, requests.Request("GET", "http://a").url)
        """,
    "IPython": """
        import IPython.paths
        print(IPython.paths.get_ipython_dir())
        import IPython
        from IPython.core.interactiveshell import InteractiveShell
        print(IPython.get_ipython(), IPython.InteractiveShell is InteractiveShell)
        print(IPython.paths.__name__, IPython.utils.__name__, IPython.core.__name__)
        """,
}

#: Begins the output of a use.
MARK = "== "

#: Prints the names of the modules that are deferred still.
LIST = """
import sys
deferred = [n for n, m in sys.modules.items() if type(m).__name__ == "DeferredModule"]
import json; print(json.dumps(deferred))
"""


def run(program: str, *paths: Path) -> str:
    """Run a program in a process of its own; returns its output."""
    tree = Path(__file__).parents[3]
    path = [*map(str, paths), str(tree)]
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path}\n{textwrap.dedent(program)}"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def package(folder: Path, name: str, **modules: str) -> None:
    """Make a package of modules with these sources."""
    (folder / name).mkdir()
    for module, source in {"__init__": "", **modules}.items():
        (folder / name / f"{module}.py").write_text(textwrap.dedent(source))


def test_a_start_imports_no_deferred_module():
    assert set(json.loads(run(DEFER_ALL + SERVER + LIST))) >= {*DEFERRED} - {"rfc3987_syntax"}


@pytest.fixture(scope="module")
def undeferred() -> dict[str, str]:
    """The output of each use of a module that is not deferred."""
    uses = [f"print('{MARK}{name}')\n{textwrap.dedent(use)}" for name, use in USES.items()]
    results = [part.partition("\n") for part in run("\n".join(uses)).split(MARK)[1:]]
    return {name: output for name, _, output in results}


@pytest.mark.parametrize("name", DEFERRED)
def test_a_deferred_module_does_what_the_module_does(name: str, undeferred: dict[str, str]):
    assert undeferred[name]
    assert run(DEFER_ALL + textwrap.dedent(USES[name])) == undeferred[name]


def test_a_missing_module_is_missed_where_it_is_imported():
    program = DEFER + "defer({'not_there': ('name',), 'json.not_there': ()})\n"
    program += "import json\nfor name in 'not_there', 'json.not_there':\n"
    program += "  try: __import__(name)\n  except ModuleNotFoundError as error: print(error.name)\n"
    assert run(program) == "not_there\njson.not_there\n"


def test_an_import_that_fails_fails_at_each_use(tmp_path: Path):
    package(tmp_path, "broken", __init__="raise ValueError('broken')")
    program = """
    defer({"broken": ("call",)})
    import broken
    from broken import call
    for use in (call, lambda: broken.name, call):
        try: use()
        except ValueError as error: print(error)
    print(isinstance(1, call))
    """
    assert run(DEFER + textwrap.dedent(program), tmp_path) == "broken\n" * 3 + "False\n"


def test_the_module_replaces_its_stand_in_in_all_modules(tmp_path: Path):
    package(
        tmp_path,
        "late",
        __init__="from late.parts import Thing, Error, make\nvalue = 1",
        parts="class Thing: pass\nclass Error(Exception): pass\ndef make(): return Thing()",
    )
    package(
        tmp_path,
        "user",
        __init__="""
        import late
        from late import Thing, Error, make
        def is_thing(it): return isinstance(it, Thing | int)
        def catch(do):
            try: do()
            except Error: return "caught"
        """,
    )
    program = """
    defer({"late": ("Thing", "Error", "make")})
    import sys, user
    def fail(): raise user.late.Error
    print(user.is_thing(1), user.is_thing("1"), type(sys.modules["late"]).__name__)
    thing = user.make()
    print(user.is_thing(thing), user.catch(fail), user.Thing is type(thing))
    print(user.late is sys.modules["late"], type(user.late).__name__, user.make.__name__)
    """
    assert run(DEFER + textwrap.dedent(program), tmp_path) == (
        "True False DeferredModule\nTrue caught True\nTrue module make\n"
    )


def test_a_name_that_is_not_listed_and_a_submodule_import_the_module(tmp_path: Path):
    package(tmp_path, "late", __init__="print('imported')\nfrom late import part", part="x = 1")
    for use in (
        "from late import part",
        "import late.part as part",
        "import late; part = late.part",
    ):
        program = f"defer({{'late': ()}})\nimport sys, late\nprint('before')\n{use}\n"
        program += "print(part.x, sys.modules['late.part'] is part is sys.modules['late'].part)\n"
        program += "print(part.__spec__.loader.path.endswith('part.py'))"
        assert run(DEFER + program, tmp_path) == "before\nimported\n1 True\nTrue\n", use


def test_a_name_that_is_set_is_set_in_the_module(tmp_path: Path):
    package(tmp_path, "late", __init__="value = 1\ndef get(): return value")
    program = "defer({'late': ()})\nimport late as held\nheld.value = 2\n"
    program += "import late\nprint(late.get(), held.get(), late.value)"
    assert run(DEFER + program, tmp_path) == "2 2 2\n"


def test_threads_that_use_a_stand_in_import_it_once(tmp_path: Path):
    package(tmp_path, "late", __init__="print('imported')\nimport time\ntime.sleep(.1)\nvalue = 1")
    program = """
    defer({"late": ()})
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier
    import late
    held, ready = late, Barrier(8)
    def use(number):
        ready.wait()
        return held.value
    with ThreadPoolExecutor(8) as threads:
        print(sum(threads.map(use, range(8))))
    """
    assert run(DEFER + textwrap.dedent(program), tmp_path) == "imported\n8\n"


def test_jupyterlab_reads_no_settings_from_its_package_manager():
    assert _yarn_config(logging.getLogger()) == no_settings(None)


def test_jupyterlab_starts_without_its_package_manager(tmp_path: Path):
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    node.chmod(0o755)
    program = f"""
    import os
    os.environ["PATH"] = "{tmp_path}:" + os.environ["PATH"]
    from yarnspawner.container.lab_settings import skip_node
    skip_node()
    import jupyterlab.labapp, jupyterlab.commands
    print(jupyterlab.commands.AppOptions().registry)
    print(jupyterlab.commands.__spec__.loader.path == jupyterlab.commands.__file__)
    """
    assert run(program) == "https://registry.yarnpkg.com\nTrue\n"
    assert not (tmp_path / "started").exists()
