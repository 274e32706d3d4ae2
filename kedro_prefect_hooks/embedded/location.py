"""Where a project keeps its embedded API, and whether one is running there.

A project's state on this machine is in ``<project>/.kedro_prefect/``: ``api.sqlite``, ``token``, and
``server.json`` while a server is running. Imports nothing heavy, because every registration needs it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

from kedro_prefect_hooks.embedded import ownership
from kedro_prefect_hooks.errors import KedroPrefectError

_TIMEOUT_SECONDS = 2

PathLike = Union[str, Path]


class Endpoint(NamedTuple):
    """A running embedded API: its URL, its process, and the token it requires, if any."""

    url: str
    pid: int
    token: Optional[str] = None


def state_dir(project_path: PathLike) -> Path:
    """The project's state directory, created with mode 0700 and a ``.gitignore`` that keeps it out of Git.

    Raises:
        KedroPrefectError: it belongs to another account than the project.
    """
    project = Path(project_path).absolute()
    directory = project / ".kedro_prefect"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ownership.check(directory, within=project)
    ownership.make_private(directory)
    with contextlib.suppress(FileExistsError), (directory / ".gitignore").open("x", encoding="utf-8") as file:
        file.write("*\n")
    return directory


def _own_file(project_path: PathLike, name: str) -> Path:
    """A file of the state directory, which no other account has put there."""
    directory = state_dir(project_path)
    path = directory / name
    ownership.check(path, within=directory)
    return path


def _replace(path: Path, content: str) -> None:
    """Write a file (mode 0600) so that readers see the old one or the new one, never part of one."""
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=str(path.parent))
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    Path(draft).replace(path)


def database_path(project_path: PathLike) -> Path:
    """The project's database file, which may not exist yet."""
    return _own_file(project_path, "api.sqlite")


def database_id(database: PathLike) -> str:
    """Identifies the file that a running server serves, whichever path leads to it."""
    return hashlib.sha256(os.path.realpath(database).encode()).hexdigest()[:16]


def own_token(project_path: PathLike) -> str:
    """The token of the project's embedded API, made when it is first needed, and kept (mode 0600).

    It is the same after a restart, so that flow runs and agents that outlive the API can go on.

    Raises:
        KedroPrefectError: the file cannot be read or written.
    """
    path = _own_file(project_path, "token")
    try:
        if not path.exists():
            _replace(path, secrets.token_urlsafe(32) + "\n")
        token = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise KedroPrefectError(f"The embedded API's token cannot be read from {path}: {error}") from error
    if not token:
        raise KedroPrefectError(f"The token of the embedded API in {path} is empty. Delete the file.")
    return token


def write_endpoint(
    project_path: PathLike, url: str, *, pid: int | None = None, token: str | None = None
) -> Path:
    """Record that an embedded API runs at `url`, for `running` to find; returns the file (mode 0600)."""
    path = _endpoint_file(project_path)
    content = {"url": url, "pid": os.getpid() if pid is None else pid, "token": token}
    _replace(path, json.dumps(content))
    return path


def remove_endpoint(project_path: PathLike, *, pid: int | None = None) -> None:
    """Remove what `write_endpoint` recorded, unless another process has recorded itself since."""
    recorded = _read_endpoint(project_path)
    if recorded is not None and recorded.pid == (os.getpid() if pid is None else pid):
        with contextlib.suppress(FileNotFoundError):
            _endpoint_file(project_path).unlink()


def running(project_path: PathLike) -> Endpoint | None:
    """The embedded API that is running for this project, or None.

    None also if the recorded process is dead, if nothing responds at the URL within 2 seconds, or if that
    port now belongs to the server of another project. One that says that it has a problem is running.
    """
    endpoint = _read_endpoint(project_path)
    if endpoint is None or not _is_alive(endpoint.pid):
        return None
    health = _health(endpoint.url)
    ours = database_id(database_path(project_path))
    return endpoint if "status" in health and health.get("database") == ours else None


def problem(project_path: PathLike) -> str | None:
    """What the embedded API that is running for this project reports of itself; None if it is well."""
    endpoint = running(project_path)
    found = None if endpoint is None else _health(endpoint.url).get("problem")
    return None if found is None else str(found)


def _endpoint_file(project_path: PathLike) -> Path:
    return _own_file(project_path, "server.json")


def _read_endpoint(project_path: PathLike) -> Endpoint | None:
    try:
        content = json.loads(_endpoint_file(project_path).read_text(encoding="utf-8"))
        return Endpoint(str(content["url"]), int(content["pid"]), content.get("token"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        # Signal 0 would terminate the process there; the health check follows anyway.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _health(url: str) -> dict[str, Any]:
    # A proxy from the environment must not come between two processes on one machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/health", timeout=_TIMEOUT_SECONDS) as answer:
            content = json.loads(answer.read())
    except urllib.error.HTTPError as failing:
        try:
            content = json.loads(failing.read())
        except (OSError, ValueError):
            return {}
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
