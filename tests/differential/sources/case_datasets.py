"""Dataset classes of generated projects besides those in `datasets.py`."""

from __future__ import annotations

from pathlib import Path

import kedro.io

from .datasets import VersionedDataset, write

_Memory = getattr(kedro.io, "MemoryDataset", None) or kedro.io.MemoryDataSet


class OwnMemory(_Memory):
    """A memory dataset of the project's own."""


class VersionedText(VersionedDataset):
    """Text, in one folder per version."""

    def _load(self) -> str:
        return Path(str(self._get_load_path())).read_text()

    def _save(self, data: str) -> None:
        write(Path(str(self._get_save_path())), data.encode())
