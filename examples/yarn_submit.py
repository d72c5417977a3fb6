"""Runs a command in a container of YARN, waits for its end, and prints its state and diagnostics.

    python yarn_submit.py hostname -f

Needs HADOOP_CONF_DIR, and the packages yarnhub and hdfs-native. No JVM. The nodes need Python 3.10
and no packages: the application gets this file and hadoop_client as a zip through HDFS. In the
container this file is the application master. Read the command's output with
`yarn logs -applicationId ID`.

This is for clusters without Kerberos. With Kerberos, put delegation tokens for HDFS into `tokens`
of the ContainerLaunchContext.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hadoop_client
from hadoop_client import (
    BlockingClient,
    Configuration,
    ConfigurationError,
    Credentials,
    Login,
    RpcError,
    YarnClient,
    open_filesystem,
)
from hadoop_client.yarn.applicationmaster import (
    ALLOCATE,
    APPLICATION_MASTER_PROTOCOL,
    FINISH_APPLICATION_MASTER,
    REGISTER_APPLICATION_MASTER,
    AllocateRequest,
    FinalStatus,
    FinishApplicationMasterRequest,
    RegisterApplicationMasterRequest,
)
from hadoop_client.yarn.records import (
    ApplicationSubmissionContext,
    ContainerLaunchContext,
    LocalResource,
    LocalResourceEntry,
    Resource,
    Url,
)
from hadoop_client.yarn.reports import ApplicationReport

LOGS = "1><LOG_DIR>/stdout 2><LOG_DIR>/stderr"


def main() -> int | str:
    """Return the exit code, or a message if Hadoop fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--queue", default="default")
    parser.add_argument("--memory-mb", type=int, default=256)
    parser.add_argument("--python", default="python3", help="the nodes' Python")
    parser.add_argument("command")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        configuration = Configuration.load()
        job = {
            "command": [options.command, *options.arguments],
            "schedulers": configuration.scheduler_addresses(),
        }
        with uploaded(pack(job), configuration) as program:
            report = asyncio.run(run(configuration, program, options))
    except (ConfigurationError, RpcError, OSError) as error:
        return str(error)
    print(report.state.name, report.final_status.name)
    print(report.diagnostics.strip())
    return 0 if report.final_status is FinalStatus.SUCCEEDED else 1


def pack(job: dict[str, list[Any]]) -> bytes:
    """Return a zip that Python runs: this file, hadoop_client and the job."""
    package = Path(hadoop_client.__file__).parent
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(__file__, "__main__.py")
        for source in package.rglob("*.py"):
            archive.write(source, source.relative_to(package.parent))
        archive.writestr("job.json", json.dumps(job))
    return data.getvalue()


@contextmanager
def uploaded(data: bytes, configuration: Configuration) -> Iterator[LocalResource]:
    """Put a file into HDFS for the node, and delete it after the block."""
    fs = open_filesystem()
    path = f"{configuration.home_directory(fs.user)}/.yarn_submit-{uuid.uuid4()}.zip"
    with fs.open_write(path, 0o600) as file:
        file.write(data)
    try:
        url = Url.parse(f"{configuration.hdfs}{path}")
        yield LocalResource(url, len(data), fs.stat(path).modified_ms)
    finally:
        fs.delete(path)


async def run(
    configuration: Configuration, program: LocalResource, options: argparse.Namespace
) -> ApplicationReport:
    """Submit the application, wait for its end, and return its report. Kill it on Ctrl-C."""
    async with YarnClient.connect(configuration) as yarn:
        application_id = (await yarn.new_application()).application_id
        context = ApplicationSubmissionContext(
            application_id,
            application_name=options.command,
            queue=options.queue,
            am_container_spec=ContainerLaunchContext(
                local_resources=(LocalResourceEntry("program.zip", program),),
                command=(f"{options.python} program.zip {LOGS}",),
            ),
            max_app_attempts=1,
            resource=Resource(options.memory_mb, vcores=1),
        )
        await yarn.submit(context)
        print(application_id, flush=True)
        try:
            while True:
                report = await yarn.report(application_id)
                if report is not None and report.state.ended:
                    return report
                await asyncio.sleep(1)
        except asyncio.CancelledError:
            await yarn.kill(application_id, "Interrupted by the user.")
            raise


def run_in_container(job: dict[str, list[Any]]) -> None:
    """Be the application master: run the command, and report its result."""
    token_file = Path(os.environ["HADOOP_TOKEN_FILE_LOCATION"])
    tokens = Credentials.from_bytes(token_file.read_bytes()).tokens.values()
    login = Login(token=next(token for token in tokens if token.kind == "YARN_AM_RM_TOKEN"))
    addresses = [(host, port) for host, port in job["schedulers"]]
    with BlockingClient(addresses, APPLICATION_MASTER_PROTOCOL, login) as scheduler:
        scheduler.call(REGISTER_APPLICATION_MASTER, RegisterApplicationMasterRequest())
        process = subprocess.Popen(job["command"])
        response_id = 0
        while process.poll() is None:
            # By default YARN ends an application that sends no heartbeat for ten minutes.
            response = scheduler.call(ALLOCATE, AllocateRequest(response_id))
            response_id = response.response_id
            if response.shut_down:
                process.kill()
            time.sleep(1)
        result = FinishApplicationMasterRequest(
            f"{job['command'][0]} ended with exit code {process.returncode}.",
            final_status=FinalStatus.FAILED if process.returncode else FinalStatus.SUCCEEDED,
        )
        while not scheduler.call(FINISH_APPLICATION_MASTER, result).is_unregistered:
            time.sleep(0.1)


if __name__ == "__main__":
    if zipfile.is_zipfile(sys.argv[0]):  # in the container
        with zipfile.ZipFile(sys.argv[0]) as archive:
            run_in_container(json.loads(archive.read("job.json")))
    else:
        sys.exit(main())
