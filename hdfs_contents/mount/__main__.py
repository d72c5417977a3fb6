"""`python -m hdfs_contents.mount --device FD --state FD`: serve a mounted folder until it is gone.

Both descriptors are inherited. The device is what `namespace.enter` has returned; the state is an
empty memory file (`os.memfd_create`) at first. Their holder starts the program again with the same
two if it dies: open files and node ids stay valid. The program ends with 0 when the mount is gone,
and with EX_CONFIG (78) and a sentence on standard error if HDFS cannot be opened: another start
would be in vain. If the holder itself is killed, nothing could start the program again:
`--lifeline FD`, a pipe of the holder's, then ends it. SIGTERM does not.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from hadoop_client.configuration import Configuration
from hadoop_client.hdfs.filesystem import FileSystem, open_filesystem
from hdfs_contents.mount.daemon import DeviceServer
from hdfs_contents.mount.files import OpenFiles
from hdfs_contents.mount.operations import Operations
from hdfs_contents.mount.overlay import Budget
from hdfs_contents.mount.recovery import JournalRecorder, live_records, restore
from hdfs_contents.mount.state import Journal, Slots
from hdfs_contents.mount.tables import Tables

_DEFAULT_STAGING_MB = 4096


def main() -> None:
    """Parse the arguments, and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m hdfs_contents.mount", description=(__doc__ or "").split("\n\n", 1)[0]
    )
    parser.add_argument("--device", type=int, required=True, metavar="FD")
    parser.add_argument("--state", type=int, required=True, metavar="FD")
    parser.add_argument(
        "--lifeline", type=int, metavar="FD", help="a pipe whose writer, if it ends, ends us too"
    )
    parser.add_argument("--root", default="/", help="the directory of HDFS to show")
    parser.add_argument(
        "--staging",
        type=Path,
        default=Path.cwd() / "hdfs-staging",
        help="a local directory for what is not written to HDFS yet",
    )
    parser.add_argument(
        "--staging-mb",
        type=int,
        default=_DEFAULT_STAGING_MB,
        help="the most that it may hold (default: %(default)s)",
    )
    options = parser.parse_args()
    # It comes at the end of a container, while files that programs had open are still saved. This
    # one ends with the mount.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _share_free_memory()
    logging.basicConfig(format="HDFS mount: %(message)s", level=logging.WARNING)
    if options.lifeline is not None:
        threading.Thread(target=_end_with, args=(options.lifeline,), daemon=True).start()
    try:
        fs = open_filesystem()
    except (OSError, ImportError) as error:
        print(f"HDFS cannot be mounted: {error}", file=sys.stderr)  # noqa: T201 - a program's end
        sys.exit(os.EX_CONFIG)
    configuration = Configuration.find() or Configuration({})
    daemon = make_daemon(
        fs,
        options.device,
        options.state,
        root=options.root,
        staging=options.staging,
        budget=Budget(options.staging_mb * 1024 * 1024),
        home=configuration.home_directory(fs.user),
        replication=int(configuration.get("dfs.replication") or 3),
    )
    gc.collect()
    gc.freeze()
    daemon.serve()


#: mallopt's option for the number of glibc's pools of free memory.
_M_ARENA_MAX = -8


def _share_free_memory() -> None:
    """Let all threads take memory from one pool. With one for each of them, each would keep what it
    has once read or written."""
    with suppress(AttributeError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _end_with(lifeline: int) -> None:
    """End this process with the holder of the device, so that no call on the mount hangs."""
    os.read(lifeline, 1)
    os._exit(1)


def make_daemon(
    fs: FileSystem,
    device: int,
    state: int,
    *,
    root: str,
    staging: Path,
    budget: Budget,
    home: str,
    replication: int = 1,
) -> DeviceServer:
    """Make a daemon with what the one before it has left in the state."""
    staging.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal = Journal(state)
    tables = Tables(root, JournalRecorder(journal))
    files = OpenFiles(fs, tables, staging, budget)
    slots = Slots(state)
    restore(journal, tables, files, budget)
    journal.live = lambda: live_records(tables)
    with tables:
        journal.compact()
    operations = Operations(fs, tables, files, home, replication)
    return DeviceServer(device, slots, operations, tables.too_many_names)


if __name__ == "__main__":
    main()
