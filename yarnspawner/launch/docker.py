"""The variables by which YARN's docker runtime is requested. Pure.

The NodeManager reads them from the container's launch context (Hadoop's DockerLinuxContainerRuntime
and "Launching Applications Using Docker Containers"). The image runs with the network of the node
and as the Unix user of the application, unless the cluster is configured otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from yarnspawner.failures import OptionsError

_RUNTIME = "YARN_CONTAINER_RUNTIME_TYPE"
_IMAGE = "YARN_CONTAINER_RUNTIME_DOCKER_IMAGE"
_MOUNTS = "YARN_CONTAINER_RUNTIME_DOCKER_MOUNTS"


def docker_variables(image: str, mounts: Sequence[str]) -> dict[str, str]:
    """Return the variables for an image; empty without one. Raises `OptionsError`.

    A mount is `source:destination:mode`, where the mode is `ro` or `rw`.
    """
    if not image:
        return {}
    if not re.fullmatch(r"[A-Za-z0-9][\w./:@-]*", image):
        raise OptionsError(
            f"{image!r} is not the name of an image. Ask an administrator to correct "
            "c.YarnSpawner.docker_image."
        )
    for mount in mounts:
        if not re.fullmatch(r"/[^:,]*:/[^:,]*:r[ow]", mount):
            raise OptionsError(
                f"{mount!r} is not a mount. Ask an administrator to correct "
                "c.YarnSpawner.docker_mounts: each must be SOURCE:DESTINATION:ro or :rw."
            )
    variables = {_RUNTIME: "docker", _IMAGE: image}
    return {**variables, _MOUNTS: ",".join(mounts)} if mounts else variables
