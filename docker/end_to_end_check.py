#!/opt/lab/bin/python
"""The end-to-end check of `yarnhub demo --check` on this cluster, for its first two users.

Run it on the edge node: docker compose exec edge end-to-end-check
"""

import asyncio
import os
import sys
from pathlib import Path

from rich.console import Console

from yarnhub.demo.check import Deployment, check
from yarnhub.demo.demo import show_outcome
from yarnhub.demo.hub import DemoError
from yarnhub.minihadoop.compose_host import PORTS, identity, settings_from

deployment = Deployment(
    hub_url="http://127.0.0.1:8000",
    resourcemanager_url=PORTS.resourcemanager_url(),
    password=(Path.home() / "password").read_text().strip(),
    identity=identity,
)
users = settings_from(os.environ).users
if len(users) < 2:
    sys.exit("The check needs two users. Set YARNHUB_USERS to at least two names.")
try:
    show_outcome(Console(), asyncio.run(check(deployment, users[:2])))
except DemoError as error:
    sys.exit(str(error))
