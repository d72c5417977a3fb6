"""Bytecode for an archive: made by the environment's own interpreter, in processes of it.

In a shared, read-only environment nobody can write `__pycache__`, so that without bytecode every
start of every notebook compiles everything it imports. What is in the prefix's `__pycache__` is
used again where it is valid, and the rest is compiled.
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

#: Python files where an interpreter looks for modules. Debian has packages in `lib/python3` and
#: `local` too, Fedora its library in `lib64`.
_MODULE = re.compile(r"(local/)?lib(64)?/python3[0-9.]*/.+\.py", re.DOTALL)

#: Files that a worker compiles at a time: to hand over each would cost more than most of them take.
_BATCH = 32

#: Batches for each worker that are compiled ahead of what was taken; a few MB.
_AHEAD = 4


def bytecode_members(members: Iterable[Member], interpreter: Interpreter) -> Iterator[Member]:
    """Yield a bytecode member for each Python file in the library and in package folders."""
    for member in members:
        if member.kind is MemberKind.FILE and _MODULE.fullmatch(member.name):
            folder, _, file = member.name.rpartition("/")
            name = f"{folder}/__pycache__/{file[: -len('.py')]}.{interpreter.cache_tag}.pyc"
            yield Member(name, member.source, MemberKind.BYTECODE, target=member.name)


class BytecodeCompiler:
    """Processes of an environment's interpreter that compile, one for each core up to four.

    A context manager: they start with the first files, and have ended when it is left.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._program = interpreter.executable
        self._count = min(4, len(os.sched_getaffinity(0)))
        self._workers: list[subprocess.Popen[bytes]] = []
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        # They wait for the workers, so that those need not wait for whoever takes the bytecode.
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
            start_new_session=True,  # Ctrl-C is for the packer, which ends its workers
        )

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.communicate()
        self._workers.clear()

    def compile_all(self, members: Iterable[Member]) -> Iterator[memoryview]:
        """Yield the bytecode of each member, in their order; empty for what can't be compiled."""
        left = iter(members)
        waiting: deque[Future[list[memoryview]]] = deque()
        while batch := list(islice(left, _BATCH)):
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
        # One line, which the worker reads to its end before it answers: neither waits for a pipe.
        request = json.dumps([[str(member.source), member.target] for member in batch]) + "\n"
        try:
            worker.stdin.write(request.encode())
            worker.stdin.flush()
            return self._answer(worker.stdout, len(batch))
        except OSError as error:
            raise self._ended() from error
        finally:
            self._idle.put(worker)

    def _answer(self, answers: IO[bytes], files: int) -> list[memoryview]:
        lengths = struct.unpack(f">{files}I", self._read(answers, 4 * files))
        content = memoryview(self._read(answers, sum(lengths)))
        ends = list(accumulate(lengths))
        return [content[end - length : end] for end, length in zip(ends, lengths, strict=True)]

    def _read(self, answers: IO[bytes], size: int) -> bytes:
        data = answers.read(size)
        if len(data) < size:
            raise self._ended()
        return data

    def _ended(self) -> PrefixError:
        return PrefixError(f"The interpreter {self._program} ended while it compiled Python files.")


def _environment() -> dict[str, str]:
    """Return ours without what leads Python elsewhere. Before 3.11 a set of constants is written in
    the order of its hashes: with a seed of chance no two archives would be alike."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONHASHSEED": "0"}
