#!/usr/bin/env python3
"""A "server" that tells YARN, in its application master's place, that it is somewhere else.

`liar.py HOST PORT`: a container's program has the application master's token, as any user who
starts a notebook server has it, and so can register what it likes.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from hadoop_client.security.credentials import Credentials
from yarnspawner.container.payload import Launch
from yarnspawner.container.scheduler import Scheduler
from yarnspawner.container.tokens import AMRM_TOKEN_KIND

token_file = os.environ["HADOOP_TOKEN_FILE_LOCATION"]
tokens = Credentials.from_bytes(Path(token_file).read_bytes()).tokens.values()
(token,) = (token for token in tokens if token.kind == AMRM_TOKEN_KIND)
Scheduler(Launch.read(token_file).schedulers, token).register(sys.argv[1], int(sys.argv[2]), "")
signal.pause()
