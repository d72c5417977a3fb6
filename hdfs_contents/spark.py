"""Gives a Spark session the notebook server's new delegation tokens, on a cluster with Kerberos.

    from pyspark.sql import SparkSession

    from hdfs_contents.spark import keep_tokens

    spark = SparkSession.builder.master("yarn").getOrCreate()
    keep_tokens(spark)

Without it, a session fails when the tokens expire that the server had when the session started.
Spark's driver is a JVM, which reads the token file once and passes its tokens to the application
master and the executors.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from hadoop_client.security.token_file import TokenFile

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["keep_tokens"]

log = logging.getLogger(__name__)

_CHECK_SECONDS = 5.0


class _SparkContext(Protocol):
    """The part of `pyspark.SparkContext` that is used. `_jsc`, the JavaSparkContext, is None once
    the session has stopped."""

    _jsc: _JavaSparkContext | None


class _JavaSparkContext(Protocol):
    def sc(self) -> _ScalaSparkContext: ...


class _ScalaSparkContext(Protocol):
    def schedulerBackend(self) -> _SchedulerBackend: ...


class _SchedulerBackend(Protocol):
    def updateDelegationTokens(self, tokens: bytes) -> None: ...


def keep_tokens(spark: SparkSession) -> None:
    """Give a session on YARN the server's delegation tokens now, and new ones until it stops.

    Call it once for each session, after the session was created. Tokens are passed to the driver,
    the application master and the executors within seconds after the server gets them, the same way
    that Spark distributes tokens it obtains with a keytab. If the server has no tokens, as on a
    cluster without Kerberos, nothing is done.

    Raises what Spark raises if it does not take the first tokens. Later failures are logged as
    warnings, and the next tokens are passed on nevertheless.
    """
    file = TokenFile()
    context = spark.sparkContext
    _update_if_changed(file, context._jsc)
    threading.Thread(
        target=_update_until_stopped, args=(file, context), name="spark-tokens", daemon=True
    ).start()


def _update_until_stopped(file: TokenFile, context: _SparkContext) -> None:
    never = threading.Event()
    while not never.wait(_CHECK_SECONDS) and (java_context := context._jsc) is not None:
        try:
            _update_if_changed(file, java_context)
        except Exception as error:  # noqa: BLE001 - the disk, Java or the connection to it failed
            log.warning(
                "Could not give Spark the new delegation tokens: %s",
                str(error).partition("\n")[0],
            )


def _update_if_changed(file: TokenFile, java_context: _JavaSparkContext) -> None:
    if path := file.changed_path():
        java_context.sc().schedulerBackend().updateDelegationTokens(path.read_bytes())
