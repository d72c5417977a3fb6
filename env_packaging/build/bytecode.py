"""Makes the bytecode of an archive with the environment's own interpreter, in worker processes.

A shared environment is read-only, so no server can write `__pycache__` into it: without bytecode in
the archive, each notebook would compile all its imports at each start. Valid bytecode in the
prefix's `__pycache__` is used; other files are compiled.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate, islice
from pathlib import Path
from queue import SimpleQueue
from typing import IO

from env_packaging.build.members import Member, MemberKind
from env_packaging.build.prefix import Interpreter
from env_packaging.errors import PrefixError

_WORKER = Path(__file__).with_name("bytecode_worker.py")

#: Python files in the directories of modules. Debian also has packages in `lib/python3` and
#: `local`, and Fedora has its library in `lib64`.
_MODULE = re.compile(r"(local/)?lib(64)?/python3[0-9.]*/.+\.py", re.DOTALL)

#: Files in a request to a worker: a request for each file would take longer than compiling most of
#: them.
_BATCH = 32

#: Batches per worker that are compiled ahead of the consumer; a few MB.
_AHEAD = 4


def bytecode_members(members: Iterable[Member], interpreter: Interpreter) -> Iterator[Member]:
    """Yield a bytecode member for each Python file of the library and of packages."""
    for member in members:
        if member.kind is MemberKind.FILE and _MODULE.fullmatch(member.name):
            directory, _, file = member.name.rpartition("/")
            name = f"{directory}/__pycache__/{file[: -len('.py')]}.{interpreter.cache_tag}.pyc"
            yield Member(name, member.source, MemberKind.BYTECODE, target=member.name)


class BytecodeCompiler:
    """Worker processes of an environment's interpreter, one per core up to four.

    A context manager: workers start with the first files, and have exited when it is left.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._program = interpreter.executable
        self._count = min(4, len(os.sched_getaffinity(0)))
        self._workers: list[subprocess.Popen[bytes]] = []
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        # These threads wait for the workers, so that the workers never wait for the consumer.
        self._threads = ThreadPoolExecutor(self._count, "bytecode")

    def __enter__(self) -> BytecodeCompiler:
        return self

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._program, "-s", "-S", "-B", "-W", "ignore", _WORKER],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C goes to the packer only, which ends its workers
        )

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.communicate()
        self._workers.clear()

    def compile_all(self, members: Iterable[Member]) -> Iterator[memoryview]:
        """Yield the bytecode of each member in order; empty if it cannot be compiled."""
        remaining = iter(members)
        waiting: deque[Future[list[memoryview]]] = deque()
        while batch := list(islice(remaining, _BATCH)):
            if len(self._workers) < self._count:
                self._workers.append(self._start())
                self._idle.put(self._workers[-1])
            waiting.append(self._threads.submit(self._compile, batch))
            if len(waiting) >= _AHEAD * self._count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()

    def _compile(self, batch: list[Member]) -> list[memoryview]:
        worker = self._idle.get()
        assert worker.stdin is not None
        assert worker.stdout is not None
        # The worker reads this one line to its end before it responds, so neither blocks on a pipe.
        request = json.dumps([[str(member.source), member.target] for member in batch]) + "\n"
        try:
            worker.stdin.write(request.encode())
            worker.stdin.flush()
            return self._read_response(worker.stdout, len(batch))
        except OSError as error:
            raise self._worker_exited() from error
        finally:
            self._idle.put(worker)

    def _read_response(self, output: IO[bytes], files: int) -> list[memoryview]:
        lengths = struct.unpack(f">{files}I", self._read(output, 4 * files))
        content = memoryview(self._read(output, sum(lengths)))
        ends = list(accumulate(lengths))
        return [content[end - length : end] for end, length in zip(ends, lengths, strict=True)]

    def _read(self, output: IO[bytes], size: int) -> bytes:
        data = output.read(size)
        if len(data) < size:
            raise self._worker_exited()
        return data

    def _worker_exited(self) -> PrefixError:
        return PrefixError(f"The interpreter {self._program} exited while compiling Python files.")


def _environment() -> dict[str, str]:
    """Return our environment without variables that configure Python.

    Before 3.11, Python writes a set of constants in the order of its hashes: with a random seed, no
    two archives would be equal.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONHASHSEED": "0"}
