"""Site files are read as by Hadoop. Expected values were checked with Hadoop's own class."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from hadoop_client.configuration import Configuration, ConfigurationError

Write = Callable[..., Configuration]


def site(properties: dict[str, str]) -> str:
    return f'<?xml version="1.0"?>\n<configuration>{body(properties)}</configuration>\n'


def body(properties: dict[str, str]) -> str:
    return "".join(
        f"<property><name>{name}</name><value>{value}</value></property>\n"
        for name, value in properties.items()
    )


@pytest.fixture
def load(tmp_path: Path) -> Write:
    """Write `core`-, `hdfs`- and `yarn`-site.xml, and load their directory."""

    def write(**files: str | dict[str, str]) -> Configuration:
        for name, content in files.items():
            text = content if isinstance(content, str) else site(content)
            (tmp_path / f"{name}-site.xml").write_text(text, encoding="utf-8")
        return Configuration.load(tmp_path)

    return write


def test_values_of_all_three_files_are_there_and_later_files_win(load: Write) -> None:
    conf = load(
        core={"a": "core", "b": "core", "c": "core"},
        hdfs={"b": "hdfs", "c": "hdfs"},
        yarn={"c": "yarn"},
    )
    assert [conf.get(key) for key in "abcd"] == ["core", "hdfs", "yarn", None]
    assert conf.get("d", "default") == "default"


def test_a_final_value_stays(load: Write) -> None:
    final = "<configuration><property><name>a</name><value>1</value><final>true</final></property>"
    again = "<property><name>a</name><value>2</value></property></configuration>"
    assert load(core=final + again, yarn={"a": "3"}).get("a") == "1"


def test_within_a_file_the_later_value_wins(load: Write) -> None:
    twice = body({"a": "1"}) + body({"a": "2"})
    assert load(core=f"<configuration>{twice}</configuration>").get("a") == "2"


def test_properties_may_be_written_as_attributes(load: Write) -> None:
    conf = load(
        core='<configuration><property name="a" value="1" final="true"/></configuration>',
        hdfs={"a": "2"},
    )
    assert conf.get("a") == "1"


def test_comments_entities_and_character_data_are_xmls(load: Write) -> None:
    conf = load(
        core="<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='configuration.xsl'?>"
        "<!-- all --><configuration><!-- of --><property><!-- it --><name> a </name>"
        "<value><![CDATA[<x>]]> &amp; é</value><description>why</description></property>"
        "</configuration>"
    )
    assert conf.get("a") == "<x> & é"


def test_an_empty_value_is_none_and_leaves_an_earlier_one(load: Write) -> None:
    empty = "<property><name>{}</name><value/></property>"
    none = "<property><name>{}</name></property>"
    nothing = "".join(template.format(name) for template in (empty, none) for name in "ab")
    conf = load(core={"a": "1"}, yarn=f"<configuration>{nothing}</configuration>")
    assert conf.get("a") == "1"
    assert conf.get("b") is None


def test_old_names_are_understood(load: Write) -> None:
    assert load(core={"fs.default.name": "hdfs://old:1"}).default_filesystem == "hdfs://old:1"


INCLUDE = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{}">{}</xi:include>'


def test_includes_are_relative_to_the_site_file_at_each_depth(load: Write, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/b.xml").write_text(site({"b": "2", "c": "included"}))
    nested = f"<configuration>{INCLUDE.format('more/b.xml', '')}</configuration>"
    (tmp_path / "more/a.xml").write_text(nested)
    own = "<property><name>c</name><value>own</value></property>"
    include = INCLUDE.format("more/a.xml", "")
    conf = load(core=f"<configuration>{include}{own}</configuration>")
    assert [conf.get(key) for key in "bc"] == ["2", "own"]


def test_an_include_by_absolute_path(load: Write, tmp_path: Path) -> None:
    other = tmp_path / "other.xml"
    other.write_text(site({"a": "1"}))
    assert load(core=f"<configuration>{INCLUDE.format(other, '')}</configuration>").get("a") == "1"


def test_a_missing_include_falls_back_or_is_an_error(load: Write) -> None:
    property_a = "<property><name>a</name><value>1</value></property>"
    fallback = f'<xi:fallback xmlns:xi="http://www.w3.org/2001/XInclude">{property_a}</xi:fallback>'
    with_fallback = f"<configuration>{INCLUDE.format('no.xml', fallback)}</configuration>"
    assert load(core=with_fallback).get("a") == "1"
    with pytest.raises(
        ConfigurationError, match=r"core-site.xml includes .*no.xml.*does not exist"
    ):
        load(core=f"<configuration>{INCLUDE.format('no.xml', '')}</configuration>")


def test_a_file_that_includes_itself_is_an_error(load: Write) -> None:
    with pytest.raises(ConfigurationError, match="includes itself"):
        load(core=f"<configuration>{INCLUDE.format('core-site.xml', '')}</configuration>")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${a}", "A"),
        ("x${a}y${b}z", "xAyA-Bz"),
        ("${in${which}}", "inner A"),
        ("${unknown}", "${unknown}"),
        ("${unknown} ${a}", "${unknown} ${a}"),
        ("${a} ${unknown}", "A ${unknown}"),
        ("${self}", "${self}"),
        ("$a {a} ${} ${a b} $", "$a {a} ${} ${a b} $"),
        ("${env.SET}", "set"),
        ("${env.UNSET}", "${env.UNSET}"),
        ("${env.UNSET:-default}", "default"),
        ("${env.UNSET-default}", "default"),
        ("${env.EMPTY:-default}", "default"),
        ("${env.EMPTY-default}", ""),
        ("${env.SET:-default}", "set"),
        ("${env.UNSET:-a-b:-c}", "a-b:-c"),
        ("${env.UNSET:-}", ""),
        ("${env.}", "${env.}"),
        ("${user.name}", "me"),
    ],
)
def test_variables(load: Write, monkeypatch: pytest.MonkeyPatch, written: str, read: str) -> None:
    monkeypatch.setenv("SET", "set")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("UNSET", raising=False)
    monkeypatch.setenv("LOGNAME", "me")
    conf = load(
        core={"a": "A", "b": "${a}-B", "which": "ner", "inner": "inner ${a}", "self": "${self}"},
        yarn={"written": written},
    )
    assert conf.get("written") == read


def test_a_value_that_contains_itself_is_not_substituted(load: Write) -> None:
    assert load(core={"path": "/bin:${path}"}).get("path") == "/bin:${path}"


def test_variables_that_refer_to_each_other_end_with_an_error(load: Write) -> None:
    conf = load(core={"a": "${b}", "b": "${a}"})
    with pytest.raises(ConfigurationError, match=r"a in .* needs more than 20 substitutions"):
        conf.get("a")


def test_twenty_substitutions_is_the_limit(load: Write) -> None:
    chain = {f"k{n}": f"${{k{n + 1}}}" for n in range(25)} | {"k25": "end"}
    conf = load(core=chain)
    assert conf.get("k6") == "end"
    with pytest.raises(ConfigurationError):
        conf.get("k5")


def test_numbers_booleans_and_lists(load: Write) -> None:
    conf = load(
        core={
            "int": " 42 ",
            "hex": "0x10",
            "no-int": "4k",
            "true": " TRUE ",
            "false": "false",
            "maybe": "maybe",
            "list": " a , b,,c\n ,d ",
        }
    )
    assert conf.get_int("int", 1) == 42
    assert conf.get_int("hex", 1) == 16
    assert conf.get_int("absent", 7) == 7
    assert conf.get_bool("true") is True
    assert conf.get_bool("false", True) is False
    assert conf.get_bool("maybe", True) is True
    assert conf.get_list("list") == ["a", "b", "c", "d"]
    assert conf.get_list("absent") == []
    with pytest.raises(ConfigurationError, match=r"no-int is '4k' in .*not a whole number"):
        conf.get_int("no-int", 1)


def test_the_directory_comes_from_the_environment(
    load: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(core={"a": "1"})
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    assert Configuration.load().get("a") == "1"


def test_a_directory_without_site_files_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ConfigurationError, match="set HADOOP_CONF_DIR"):
            Configuration.load(folder)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("<configuration>", "not well-formed"),
        ("", "not well-formed"),
        ("<configuration>&file;</configuration>", "not well-formed"),
        ("<html></html>", "begins with <html>"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(load: Write, content: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=f"hdfs-site.xml .*{why}"):
        load(hdfs=content)


def test_external_entities_are_not_read(load: Write, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    document = f'<!DOCTYPE c [<!ENTITY x SYSTEM "file://{tmp_path}/secret">]>'
    document += site({"a": "&x;"}).partition("\n")[2]
    with pytest.raises(ConfigurationError, match="not well-formed"):
        load(core=document)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "core-site.xml").write_bytes(b'<?xml version="1.0" encoding="no-such"?><x/>')
    with pytest.raises(ConfigurationError, match=r"core-site.xml"):
        Configuration.load(tmp_path)


def test_an_include_by_the_url_of_a_file(load: Write, tmp_path: Path) -> None:
    other = tmp_path / "the other.xml"
    other.write_text(site({"a": "1"}))
    assert (
        load(core=f"<configuration>{INCLUDE.format(other.as_uri(), '')}</configuration>").get("a")
        == "1"
    )


def test_an_include_by_the_url_of_a_web_server(load: Write, tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (web / "common.xml").write_text(site({"a": "1"}))
    handler = partial(SilentFiles, directory=str(web))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        include = INCLUDE.format(f"{url}/common.xml", "")
        assert load(core=f"<configuration>{include}</configuration>").get("a") == "1"
        missing = INCLUDE.format(f"{url}/no.xml", "")
        with pytest.raises(ConfigurationError, match=f"includes {url}/no.xml, which does not"):
            load(core=f"<configuration>{missing}</configuration>")
        server.shutdown()


class SilentFiles(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""
