"""What an administrator does to a cluster that runs: change its files, and have them read again."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

from yarnhub.minihadoop import MiniHadoop
from yarnhub.minihadoop.folders import superuser
from yarnhub.minihadoop.java import SMALL_JVM


def rmadmin(hadoop: MiniHadoop, *arguments: str) -> None:
    """Run `yarn rmadmin` as the superuser."""
    done = subprocess.run(
        ["yarn", "rmadmin", *arguments],
        env={**os.environ, **hadoop.env()},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def reconfigure(hadoop: MiniHadoop, file: str, properties: Mapping[str, str], refresh: str) -> None:
    """Let the ResourceManager have more `properties` in `file`, where the last one of a name holds,
    and read it anew by the command `refresh` of rmadmin."""
    path = hadoop.conf_dir / "resourcemanager" / file
    added = "".join(
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in properties.items()
    )
    path.write_text(path.read_text().replace("</configuration>", f"{added}</configuration>"))
    rmadmin(hadoop, refresh)


@contextmanager
def reconfigured(
    hadoop: MiniHadoop, file: str, properties: Mapping[str, str], refresh: str
) -> Iterator[None]:
    """`reconfigure`, and afterwards have it as it was."""
    path = hadoop.conf_dir / "resourcemanager" / file
    before = path.read_text()
    try:
        reconfigure(hadoop, file, properties, refresh)
        yield
    finally:
        path.write_text(before)
        rmadmin(hadoop, refresh)


class HdfsCommands:
    """Hadoop's own `hdfs` command as the superuser, without a JVM for each call."""

    def __init__(self, hadoop: MiniHadoop) -> None:
        self._hadoop = hadoop
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, *arguments: str, errors: str = "strict") -> str:
        """Run `hdfs` with these arguments; returns its output. A failure fails the test."""
        if self._process is None:
            self._process = self._start()
        calls, answers = self._process.stdin, self._process.stdout
        assert calls is not None
        assert answers is not None
        encoded = [argument.encode() for argument in arguments]
        calls.write(struct.pack(">i", len(encoded)))
        calls.writelines(struct.pack(">H", len(argument)) + argument for argument in encoded)
        calls.flush()

        def number() -> int:
            (value,) = struct.unpack(">i", answers.read(4))
            return int(value)

        code = number()
        output, error = (answers.read(number()).decode(errors=errors) for _ in range(2))
        assert code == 0, output + error
        return output

    def _start(self) -> subprocess.Popen[bytes]:
        distribution = self._hadoop.state.distribution
        source = Path(__file__).with_name("HadoopCommands.java")
        classpath = distribution.classpath(self._hadoop.conf_dir)
        return subprocess.Popen(
            [
                distribution.java,
                *SMALL_JVM,
                "-Xmx128m",
                "-Djava.net.preferIPv4Stack=true",
                "-cp",
                classpath,
                source,
            ],
            env={**os.environ, **self._hadoop.env(), "HADOOP_USER_NAME": superuser()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def close(self) -> None:
        if self._process is not None:
            self._process.communicate()  # without more calls it ends
