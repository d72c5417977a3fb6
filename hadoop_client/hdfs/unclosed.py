"""Asks NameNodes whether a file is being written. hdfs-native has no call for it, so this is one of
our own RPC client, on a connection that stays open."""

from __future__ import annotations

import threading

from hadoop_client.configuration import Configuration, ConfigurationError
from hadoop_client.hdfs.namenode import CLIENT_PROTOCOL, IS_FILE_CLOSED, IsFileClosedRequest
from hadoop_client.hdfs.namenode_check import identity
from hadoop_client.mounts import Place
from hadoop_client.rpc.blocking import BlockingClient
from hadoop_client.rpc.call import Login, RpcError
from hadoop_client.security.identity import own_user
from hadoop_client.security.sasl import SaslError
from hadoop_client.wire import WireError

#: A NameNode that does not answer so soon is not waited for: the question is a courtesy.
_TIMEOUT_SECONDS = 5.0

#: How long a question waits for those of other threads, which may wait for a NameNode that hangs.
_LOCK_SECONDS = 1.0


class UnclosedFiles:
    """The files of `url`, by default of `fs.defaultFS`, that clients are writing. Thread-safe."""

    def __init__(self, configuration: Configuration, url: str | None) -> None:
        self._configuration = configuration
        self._url = url
        self._mounts = configuration.mounts_of(url)
        self._lock = threading.Lock()
        self._clients: dict[str, BlockingClient] = {}

    def contains(self, path: str) -> bool:
        """Return whether a client is writing a file. False if the NameNode does not say."""
        if not self._lock.acquire(timeout=_LOCK_SECONDS):
            return False
        try:
            place = self._place(path)
            return place is not None and not self._is_closed(place)
        except (ConfigurationError, RpcError, SaslError, WireError, OSError):
            return False
        finally:
            self._lock.release()

    def _place(self, path: str) -> Place | None:
        if self._mounts.nameservices:
            return self._mounts.place(path)
        return Place(self._configuration.nameservices(self._url)[0], path)

    def _is_closed(self, place: Place) -> bool:
        client = self._clients.get(place.nameservice) or self._connect(place.nameservice)
        try:
            answer = client.call(IS_FILE_CLOSED, IsFileClosedRequest(place.path))
        except BaseException:
            # The next question logs in anew, perhaps with a renewed token.
            self._clients.pop(place.nameservice).close()
            raise
        return answer.result

    def _connect(self, nameservice: str) -> BlockingClient:
        addresses = self._configuration.namenode_addresses(nameservice)
        login, prepare = Login(user=own_user()), None
        if self._configuration.kerberos:
            login, prepare = identity(self._configuration, nameservice, addresses)
        client = BlockingClient(addresses, CLIENT_PROTOCOL, login, _TIMEOUT_SECONDS, prepare)
        self._clients[nameservice] = client
        return client
