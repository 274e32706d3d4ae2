"""Where a project keeps its embedded API, and whether one is running there.

The state of a project on this machine is in ``<project>/.kedro_prefect/``: ``api.sqlite``, and
``server.json`` while a server runs. Imports only the standard library, because `kedro run` asks it on every
registration.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

_ANSWER_SECONDS = 2

PathLike = Union[str, Path]


class Endpoint(NamedTuple):
    """A running embedded API: its URL, the process that serves it, and the token it wants, if any."""

    url: str
    pid: int
    token: Optional[str] = None


def state_dir(project_path: PathLike) -> Path:
    """The project's state directory, made with mode 0700 and a ``.gitignore`` that keeps it out of git."""
    directory = Path(project_path).absolute() / ".kedro_prefect"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = directory / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return directory


def database_path(project_path: PathLike) -> Path:
    """The project's database file; it need not exist yet."""
    return state_dir(project_path) / "api.sqlite"


def database_id(database: PathLike) -> str:
    """What a running server says of the file it serves: the same for all who name the same file."""
    return hashlib.sha256(os.path.realpath(database).encode()).hexdigest()[:16]


def write_endpoint(
    project_path: PathLike, url: str, *, pid: int | None = None, token: str | None = None
) -> Path:
    """Note that an embedded API runs at `url`, for `running` to find; returns the file (mode 0600)."""
    path = _endpoint_file(project_path)
    draft = path.with_name(f"server.{os.getpid()}.json")
    content = {"url": url, "pid": os.getpid() if pid is None else pid, "token": token}
    descriptor = os.open(str(draft), os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    # A reader sees the old file or the new one, never half of it.
    draft.replace(path)
    return path


def remove_endpoint(project_path: PathLike, *, pid: int | None = None) -> None:
    """Take back what `write_endpoint` noted, unless another process has noted itself since."""
    noted = _read_endpoint(project_path)
    if noted is not None and noted.pid == (os.getpid() if pid is None else pid):
        with contextlib.suppress(FileNotFoundError):
            _endpoint_file(project_path).unlink()


def running(project_path: PathLike) -> Endpoint | None:
    """The embedded API that runs for this project, or None.

    A note left behind by a dead process, an address where nobody answers within 2 seconds, and a server of
    another project that has taken the port since all count as none.
    """
    endpoint = _read_endpoint(project_path)
    if endpoint is None or not _is_alive(endpoint.pid):
        return None
    health = _health(endpoint.url)
    ours = database_id(database_path(project_path))
    return endpoint if health.get("status") == "ok" and health.get("database") == ours else None


def _endpoint_file(project_path: PathLike) -> Path:
    return state_dir(project_path) / "server.json"


def _read_endpoint(project_path: PathLike) -> Endpoint | None:
    try:
        content = json.loads(_endpoint_file(project_path).read_text(encoding="utf-8"))
        return Endpoint(str(content["url"]), int(content["pid"]), content.get("token"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        # Signal 0 would end the process there; whether it answers is asked next anyway.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _health(url: str) -> dict[str, Any]:
    # A proxy of the environment has no business between two processes of one machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/health", timeout=_ANSWER_SECONDS) as answer:
            content = json.loads(answer.read())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
