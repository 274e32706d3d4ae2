"""The files that receive the output of flow runs, and which of them are kept."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Callable, Collection

KEPT = 100
"""How many flow runs' output files are kept: more than an agent starts at once."""


class OutputFiles:
    """One file per flow run in a folder that only its owner can read; safe to use from several threads.

    Args:
        folder: the folder, created when it is first needed.
        in_use: returns the ids of the flow runs whose files must not be deleted.
    """

    def __init__(self, folder: Path, in_use: Callable[[], Collection[str]]) -> None:
        self.folder = folder
        self._in_use = in_use
        self._lock = threading.Lock()

    def path(self, flow_run_id: str) -> Path:
        """The file of a flow run, which may not exist."""
        return self.folder / f"{flow_run_id}.log"

    def create(self, flow_run_id: str) -> Path:
        """Create a flow run's file unless an earlier attempt has, and delete the oldest ones."""
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._delete_oldest({*self._in_use(), flow_run_id})
            file = self.path(flow_run_id)
            file.touch(mode=0o600)
        return file

    def _delete_oldest(self, kept: Collection[str]) -> None:
        files = [(_modified(file), file) for file in self.folder.glob("*.log")]
        excess = len(files) - KEPT + 1
        for _, file in sorted(files)[: max(0, excess)]:
            if file.stem not in kept:
                file.unlink(missing_ok=True)  # another agent may use the same folder


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
