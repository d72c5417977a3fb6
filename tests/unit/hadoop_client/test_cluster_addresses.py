"""The addresses of ResourceManagers and NameNodes, as clusters of all kinds configure them."""

from __future__ import annotations

import pytest

from hadoop_client.configuration import Configuration, ConfigurationError


def test_hadoops_defaults() -> None:
    conf = Configuration({})
    assert conf.resourcemanager_addresses() == [("0.0.0.0", 8032)]
    assert conf.scheduler_addresses() == [("0.0.0.0", 8030)]
    assert conf.default_filesystem == "file:///"
    assert not conf.kerberos


def test_one_resourcemanager() -> None:
    conf = Configuration({"yarn.resourcemanager.hostname": "rm"})
    assert conf.resourcemanager_addresses() == [("rm", 8032)]
    assert conf.scheduler_addresses() == [("rm", 8030)]


def test_a_resourcemanagers_own_ports() -> None:
    conf = Configuration(
        {
            "yarn.resourcemanager.hostname": "rm",
            "yarn.resourcemanager.address": "${yarn.resourcemanager.hostname}:18032",
            "yarn.resourcemanager.scheduler.address": "[::1]:18030",
        }
    )
    assert conf.resourcemanager_addresses() == [("rm", 18032)]
    assert conf.scheduler_addresses() == [("::1", 18030)]


def test_a_pair_of_resourcemanagers() -> None:
    conf = Configuration(
        {
            "yarn.resourcemanager.ha.enabled": "true",
            "yarn.resourcemanager.ha.rm-ids": "rm1, rm2",
            "yarn.resourcemanager.hostname.rm1": "one",
            "yarn.resourcemanager.hostname.rm2": "two",
            "yarn.resourcemanager.address.rm2": "two:18032",
        }
    )
    assert conf.resourcemanager_addresses() == [("one", 8032), ("two", 18032)]
    assert conf.scheduler_addresses() == [("one", 8030), ("two", 8030)]


def test_a_pair_without_addresses_is_an_error_that_names_the_key() -> None:
    ids = {"yarn.resourcemanager.ha.enabled": "true", "yarn.resourcemanager.ha.rm-ids": "rm1"}
    with pytest.raises(ConfigurationError, match=r"yarn.resourcemanager.address.rm1 is not set"):
        Configuration(ids).resourcemanager_addresses()
    del ids["yarn.resourcemanager.ha.rm-ids"]
    with pytest.raises(ConfigurationError, match="names no ResourceManager"):
        Configuration(ids).resourcemanager_addresses()


def test_one_namenode() -> None:
    assert Configuration({"fs.defaultFS": "hdfs://nn:9000"}).namenode_addresses() == [("nn", 9000)]
    assert Configuration({"fs.defaultFS": "hdfs://nn/"}).namenode_addresses() == [("nn", 8020)]


def test_a_name_service() -> None:
    conf = Configuration(
        {
            "fs.defaultFS": "hdfs://prod",
            "dfs.nameservices": "prod,plain",
            "dfs.ha.namenodes.prod": "nn1,nn2",
            "dfs.namenode.rpc-address.prod.nn1": "one:8020",
            "dfs.namenode.rpc-address.prod.nn2": "two:9000",
            "dfs.namenode.rpc-address.plain": "three",
        }
    )
    assert conf.namenode_addresses() == [("one", 8020), ("two", 9000)]
    assert conf.namenode_addresses("plain") == [("three", 8020)]
    assert conf.namenode_addresses("elsewhere:1") == [("elsewhere", 1)]


def test_a_default_file_system_that_is_not_hdfs_has_no_namenode() -> None:
    with pytest.raises(ConfigurationError, match=r"fs.defaultFS is 's3a://bucket'"):
        Configuration({"fs.defaultFS": "s3a://bucket"}).namenode_addresses()


@pytest.mark.parametrize("address", ["rm:", "rm:x", "rm:99999", "rm:1:2", "r m:1"])
def test_an_address_that_is_none_is_an_error(address: str) -> None:
    conf = Configuration({"yarn.resourcemanager.address": address})
    with pytest.raises(ConfigurationError, match=r"yarn.resourcemanager.address is .* not a host"):
        conf.resourcemanager_addresses()


def test_security_is_on_when_it_says_kerberos() -> None:
    assert Configuration({"hadoop.security.authentication": "Kerberos"}).kerberos
