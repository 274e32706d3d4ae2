"""The container of one flow run, with the interface of `RunProcess`. Knows nothing of Prefect or its API."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import docker

_RETRY_SECONDS = 1.0
"""Between two attempts while Docker does not respond."""

_SIGNAL_CODES = 128
"""Docker adds this to the number of the signal that has ended a container."""


class ContainerProcess:
    """A container that has been started.

    Args:
        base_url: the address of Docker; None for its default.
        container_id: the container.
        output: the file that receives its output, appended.
        since: a time, for a container whose earlier output is in the file already.
    """

    def __init__(
        self, base_url: str | None, container_id: str, output: Path, *, since: float | None = None
    ) -> None:
        self.output = output
        self._since = since
        self.pid = container_id[:12]
        self._id = container_id
        # Of its own, and without a limit: what follows the output waits as long as the container is silent.
        self._client: Any = docker.APIClient(base_url=base_url, version="auto", timeout=None)

    def wait(self) -> int:
        """Wait until it has ended; return its exit code, negative for a signal."""
        with contextlib.suppress(Exception):  # without its output, its end counts nevertheless
            self._copy_output()
        while True:
            try:
                code = int(self._client.wait(self._id)["StatusCode"])
            except docker.errors.NotFound:
                return -9  # somebody has removed it
            except Exception:  # Docker is being restarted
                time.sleep(_RETRY_SECONDS)
                continue
            return code if code <= _SIGNAL_CODES else _SIGNAL_CODES - code

    def _copy_output(self) -> None:
        with self.output.open("ab") as file:
            for chunk in self._client.logs(self._id, stream=True, follow=True, since=self._since):
                file.write(chunk)
                file.flush()

    def release(self) -> None:
        """Remove the container, after `wait`."""
        with contextlib.suppress(Exception):
            self._client.remove_container(self._id, force=True)

    def interrupt(self) -> None:
        """Interrupt its first process as Ctrl+C would."""
        with contextlib.suppress(Exception):
            self._client.kill(self._id, signal="SIGINT")

    def remember_descendants(self) -> None:
        """A container's processes end with it."""

    def kill(self) -> None:
        """Kill all of its processes."""
        with contextlib.suppress(Exception):
            self._client.kill(self._id)
