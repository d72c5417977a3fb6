"""The text of jupyterhub_config.py and of a systemd unit. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class ClusterResources:
    """The cluster's queues and environments, and the size of its largest node."""

    queues: tuple[str, ...]
    environments: tuple[str, ...]
    node_mb: int
    node_cores: int
    kerberos: bool = False


@dataclass(frozen=True)
class AdminChoices:
    """An administrator's decisions; all other settings have working defaults.

    `users` is empty if every user that the authenticator accepts may log in.
    """

    hub_host: str
    queue: str
    python_env: str
    users: tuple[str, ...]
    keytab: str = ""


def hub_config(choices: AdminChoices, cluster: ClusterResources) -> str:
    """Return the text of jupyterhub_config.py."""
    return f"""# JupyterHub on YARN. Check it with `yarnhub check --config` and this file.

import sys

c = get_config()
c.JupyterHub.spawner_class = "yarn"

# Servers run on the cluster's nodes, and call the hub on port 8081 of this host.
c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_connect_ip = {_literal(choices.hub_host)}

# Servers keep running while the hub restarts.
c.JupyterHub.cleanup_servers = False

# How users log in: with the password of their account on this machine (PAM). A hub that is not root
# can check only its own account's password, unless the accounts are those of a directory service.
# Others, such as LDAP, OAuth and Kerberos: https://jupyterhub.readthedocs.io, "Authenticators".
c.JupyterHub.authenticator_class = "pam"

# The users who may log in, by their Hadoop names.
{_users(choices.users)}
{_login(choices.keytab) if cluster.kerberos else ""}
# The Python environment that servers run in. {_list("Published", cluster.environments)}
c.YarnSpawner.python_env = {_literal(choices.python_env)}

# {_list("Queues", cluster.queues)}
c.YarnSpawner.queue = {_literal(choices.queue)}

# Each server's size; the largest node has {cluster.node_mb} MiB and {cluster.node_cores} cores.
# With c.YarnSpawner.profiles users choose it.
c.YarnSpawner.mem_limit = "2G"
c.YarnSpawner.cpu_limit = 1

# End servers that have not been used for two hours, so that their memory returns to the queue. A
# visible page of JupyterLab counts as use, and so does a busy kernel. Unsaved work is lost.
c.JupyterHub.services.append({{
    "name": "idle-culler",
    "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=7200"],
    "cwd": "/",  # `python -m` also imports from its working directory
}})
c.JupyterHub.load_roles.append({{
    "name": "idle-culler",
    "services": ["idle-culler"],
    "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
}})

# Create the HDFS home of users who have none. The hub's user must be an HDFS superuser.
# c.YarnSpawner.create_hdfs_home = True

# The ports on the nodes that a firewall opens to this host; by default any.
# c.YarnSpawner.port_range = (30000, 30999)
"""


def _literal(text: str) -> str:
    """Return a text as a Python literal; a JSON string is one."""
    return json.dumps(text, ensure_ascii=False)


def _list(title: str, names: tuple[str, ...]) -> str:
    return f"{title}: {', '.join(names)}."


def _users(users: tuple[str, ...]) -> str:
    if users:
        return "c.Authenticator.allowed_users = {" + ", ".join(map(_literal, users)) + "}"
    return "c.Authenticator.allow_all = True"


def _login(keytab: str) -> str:
    line = f"c.YarnSpawner.keytab = {_literal(keytab or '/etc/security/keytabs/hub.keytab')}"
    return (
        "\n# The hub's keytab for the cluster. Only its own account may read it (mode 0400).\n"
        f"{line if keytab else '# ' + line}\n"
    )


def systemd_unit(
    *,
    account: str,
    folder: str,
    environment: dict[str, str],
    command: tuple[str, ...],
    ticket_by_hand: bool = False,
) -> str:
    """Return the unit that runs the hub as `account`, in the directory with its database.

    `ticket_by_hand`: the hub uses a Kerberos ticket that an administrator gets with kinit.
    """
    paths = [folder, *command, *(p for value in environment.values() for p in value.split(":"))]
    needs_tmp = ticket_by_hand or any(_is_below(p, "/tmp", "/var/tmp") for p in paths)
    protections = "\n".join(_protections(account, folder, needs_tmp=needs_tmp))
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
# Other accounts cannot read the hub's files. The hub cannot change the system's.
{protections}
# Ends the hub and its proxy. The servers on YARN keep running.
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""


def _protections(account: str, folder: str, *, needs_tmp: bool) -> list[str]:
    """Return the settings that protect the hub's files and the system's.

    These are left out, because JupyterHub does not work with them everywhere:

    - NoNewPrivileges: if the hub is not root, PAM checks a password with the setuid program
      unix_chkpwd. RestrictNamespaces, SystemCallFilter and others imply it for such a hub.
    - ProtectSystem=strict: the places of a site's logs and certificates are not known here. If the
      hub is root, `true` instead of `full`: `create_system_users` changes /etc/passwd.
    - ProtectHome: the hub's directory, its Python and its keytab may be in a home directory.
    - PrivateTmp if a file of the hub is in /tmp, such as the ticket that kinit gets.
    - PrivateDevices and CapabilityBoundingSet: the PAM modules of a site may need them.
    """
    settings = ["UMask=0077", f"ProtectSystem={'true' if account == 'root' else 'full'}"]
    if not needs_tmp:
        settings.append("PrivateTmp=true")
    if _is_below(folder, "/usr", "/etc", "/boot"):
        settings.append(f"ReadWritePaths={_path(folder)}")  # for the hub's database
    return settings


def _quoted(word: str) -> str:
    """Quote a word for systemd: see QUOTING in systemd.syntax(7)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(character in escaped for character in " \t\"\\'") else escaped


def _path(path: str) -> str:
    """Quote a path for systemd, in an option that takes a list of paths and no variables."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _is_below(path: str, *directories: str) -> bool:
    return any(path == directory or path.startswith(f"{directory}/") for directory in directories)
