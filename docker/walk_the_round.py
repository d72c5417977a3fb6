#!/opt/lab/bin/python
"""What `yarnhub demo --check` does, done on this cluster: the round of its first two people.

Run it on the edge node: docker compose exec edge walk-the-round
"""

import asyncio
import os
import sys
from pathlib import Path

from rich.console import Console

from yarnhub.demo.check import Site, check
from yarnhub.demo.demo import show_outcome
from yarnhub.demo.hub import DemoError
from yarnhub.minihadoop.compose_host import PORTS, identity, settings_from

site = Site(
    hub_url="http://127.0.0.1:8000",
    resourcemanager_url=PORTS.resourcemanager_url(),
    password=(Path.home() / "password").read_text().strip(),
    identity=identity,
)
people = settings_from(os.environ).users
if len(people) < 2:
    sys.exit("The round is walked by two people: name two of them in YARNHUB_USERS.")
try:
    show_outcome(Console(), asyncio.run(check(site, people[:2])))
except DemoError as error:
    sys.exit(str(error))
