"""From choices to the text of jupyterhub_config.py and of a systemd unit. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Cluster:
    """What the cluster has to offer. `node_mb` and `node_cores` are those of its largest node."""

    queues: tuple[str, ...]
    environments: tuple[str, ...]
    node_mb: int
    node_cores: int
    kerberos: bool = False


@dataclass(frozen=True)
class Choices:
    """What an admin has to decide; all the rest has defaults that work. `users` is empty where
    everybody may log in whom the login accepts, `keytab` where none is known."""

    hub_host: str
    queue: str
    python_env: str
    users: tuple[str, ...]
    keytab: str = ""


def hub_config(choices: Choices, cluster: Cluster) -> str:
    """Return the text of jupyterhub_config.py."""
    return f"""# JupyterHub on YARN. What is still missing: `yarnhub check --config` with this file.

c = get_config()
c.JupyterHub.spawner_class = "yarn"

# Servers run on the cluster's nodes, and call the hub on port 8081 of this host.
c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_connect_ip = {_literal(choices.hub_host)}

# Servers go on while the hub is restarted.
c.JupyterHub.cleanup_servers = False

# Who may log in, by the name that Hadoop knows. The default login asks for an account of this
# machine (PAM).
{_users(choices.users)}
{_login(choices.keytab) if cluster.kerberos else ""}
# The Python environment that servers run in. {_among("Published", cluster.environments)}
c.YarnSpawner.python_env = {_literal(choices.python_env)}

# {_among("Queues", cluster.queues)}
c.YarnSpawner.queue = {_literal(choices.queue)}

# What each server gets; the largest node has {cluster.node_mb} MiB and {cluster.node_cores} cores.
# People choose by themselves with c.YarnSpawner.profiles.
c.YarnSpawner.mem_limit = "2G"
c.YarnSpawner.cpu_limit = 1

# Make a home in HDFS for who has none. The hub's user has to be a superuser of HDFS for that.
# c.YarnSpawner.create_hdfs_home = True

# The ports of the nodes that a firewall lets this host reach; any where it is not set.
# c.YarnSpawner.port_range = (30000, 30999)
"""


def _literal(text: str) -> str:
    """Return text as Python reads it back; a string of JSON is one of Python too."""
    return json.dumps(text, ensure_ascii=False)


def _among(title: str, names: tuple[str, ...]) -> str:
    return f"{title}: {', '.join(names)}."


def _users(users: tuple[str, ...]) -> str:
    if users:
        return "c.Authenticator.allowed_users = {" + ", ".join(map(_literal, users)) + "}"
    return "c.Authenticator.allow_all = True"


def _login(keytab: str) -> str:
    line = f"c.YarnSpawner.keytab = {_literal(keytab or '/etc/security/keytabs/hub.keytab')}"
    return (
        "\n# By which the hub logs in to the cluster; for its own account alone (mode 0400).\n"
        f"{line if keytab else '# ' + line}\n"
    )


def systemd_unit(
    *, account: str, folder: str, environment: dict[str, str], command: tuple[str, ...]
) -> str:
    """Return the unit that runs the hub, by whose account, and in the folder with its database."""
    variables = "\n".join(f"Environment={_quoted(f'{k}={v}')}" for k, v in environment.items())
    return f"""[Unit]
Description=JupyterHub on YARN
After=network-online.target
Wants=network-online.target

[Service]
User={account}
WorkingDirectory={folder.replace("%", "%%")}
{variables}
ExecStart={" ".join(map(_quoted, command))}
Restart=on-failure
# The hub and its proxy; the servers live on YARN and stay.
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""


def _quoted(word: str) -> str:
    """Return a word as systemd reads it back: see QUOTING in systemd.syntax(7)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(each in escaped for each in " \t\"\\'") else escaped
