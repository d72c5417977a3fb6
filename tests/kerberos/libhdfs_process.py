"""A contents manager by libhdfs that nothing but tokens lets in: `ROOT renewing|forgetful`.

It saves a file and begins to write another, waits for a line, then ends that one, saves again, and
says what there is.
"""

from __future__ import annotations

import asyncio
import json
import sys

from tornado.web import HTTPError

from hadoop_client.hdfs import jvm
from hdfs_contents import HDFSContentsManager

FILE = {"type": "file", "format": "text"}


async def main(root: str, how: str) -> None:
    # No connection outlives its call, so that each one takes a token.
    jvm._CONFIGURATION["ipc.client.connection.maxidletime"] = "0"
    if how == "forgetful":
        jvm._tokens.renew = lambda _: None
    manager = HDFSContentsManager(root_dir=root, filesystem_kind="libhdfs")
    await manager.save({**FILE, "content": "before"}, "saved.txt")
    file = manager.store.fs.open_write(f"{root}/open.txt")
    file.write(b"begun, ")
    say("ready")
    sys.stdin.readline()
    try:
        file.write(b"ended")
        file.close()
        await manager.save({**FILE, "content": "after"}, "saved.txt")
        contents = [(await manager.get(name))["content"] for name in ("open.txt", "saved.txt")]
        say(json.dumps(contents))
    except (OSError, HTTPError) as error:
        say(json.dumps(str(error)))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
