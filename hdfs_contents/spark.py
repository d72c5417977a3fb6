"""Spark in a notebook whose server outlives its delegation tokens.

Spark's driver is a JVM, which reads the token file once, and hands what it has read to its
application master and its executors. `keep_tokens(spark)` gives all of them the server's new ones,
by the means that Spark has for that where it logs in itself. A failure is logged, and the next ones
are given all the same.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from hadoop_client.security.token_file import TokenFile

log = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0


def keep_tokens(spark: Any) -> None:
    """Give a `SparkSession` on YARN the tokens that the server has now, and new ones until it ends.

    Where the server has no tokens, as on a cluster without Kerberos, nothing is done.
    """
    file = TokenFile()
    context = spark.sparkContext
    _give_unseen(file, context._jsc)
    threading.Thread(target=_keep, args=(file, context), name="spark-tokens", daemon=True).start()


def _keep(file: TokenFile, context: Any) -> None:
    ended = threading.Event()
    while not ended.wait(_LOOK_SECONDS) and (session := context._jsc) is not None:
        try:
            _give_unseen(file, session)
        except Exception as error:  # noqa: BLE001 (of the disk, of Java, or of the way there)
            log.warning("Spark goes on with its old tokens: %s", str(error).partition("\n")[0])


def _give_unseen(file: TokenFile, session: Any) -> None:
    if path := file.changed_path():
        session.sc().schedulerBackend().updateDelegationTokens(path.read_bytes())
