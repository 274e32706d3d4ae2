"""Dataset classes for generated projects, so that the same catalog runs without kedro-datasets.

All files are written by a rename or by one append, so a killed process leaves no incomplete file.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import threading
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

try:
    from kedro.io import AbstractDataset, AbstractVersionedDataset
except ImportError:  # Kedro before 0.18.12
    from kedro.io import AbstractDataSet as AbstractDataset
    from kedro.io import AbstractVersionedDataSet as AbstractVersionedDataset

if TYPE_CHECKING:
    from pandas import DataFrame


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


class FileDataset(AbstractDataset):
    """Base of the single-file datasets below, which define `encode` and `decode`."""

    def __init__(self, filepath: str):
        self._filepath = Path(filepath)

    def encode(self, data: Any) -> bytes:
        raise NotImplementedError

    def decode(self, content: bytes) -> Any:
        raise NotImplementedError

    def _load(self) -> Any:
        return self.decode(self._filepath.read_bytes())

    def _save(self, data: Any) -> None:
        write(self._filepath, self.encode(data))

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict:
        return {"filepath": str(self._filepath)}


class JsonDataset(FileDataset):
    def encode(self, data: Any) -> bytes:
        return json.dumps(data, sort_keys=True).encode()

    def decode(self, content: bytes) -> Any:
        return json.loads(content)


class TextDataset(FileDataset):
    def encode(self, data: str) -> bytes:
        return data.encode()

    def decode(self, content: bytes) -> str:
        return content.decode()


class CsvDataset(FileDataset):
    def encode(self, data: DataFrame) -> bytes:
        text: str = data.to_csv(index=False)
        return text.encode()

    def decode(self, content: bytes) -> DataFrame:
        import pandas as pd  # most projects that import this module do not need it

        return pd.read_csv(self._filepath)


class PickledDataset(FileDataset):
    def encode(self, data: Any) -> bytes:
        return pickle.dumps(data)

    def decode(self, content: bytes) -> Any:
        return pickle.loads(content)


class LockedDataset(JsonDataset):
    """Cannot be pickled, so sending the catalog to another process fails."""

    def __init__(self, filepath: str):
        super().__init__(filepath)
        self._lock = threading.Lock()

    def _save(self, data: Any) -> None:
        with self._lock:
            write(self._filepath, self.encode(data))


class ChunksDataset(FileDataset):
    """Saves the chunks of a generator node one at a time; chunk 0 starts a new file."""

    def decode(self, content: bytes) -> list:
        return [json.loads(line) for line in content.decode().splitlines()]

    def _save(self, data: dict) -> None:
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        with self._filepath.open("w" if data["chunk"] == 0 else "a") as file:
            file.write(json.dumps(data, sort_keys=True) + "\n")


class ConfirmedDataset(JsonDataset):
    """Records its confirmations, one line each, in `confirmed_<stem>.txt` next to its file."""

    def confirm(self) -> None:
        with self._filepath.with_name(f"confirmed_{self._filepath.stem}.txt").open("a") as file:
            file.write("confirmed\n")


class SecretDataset(JsonDataset):
    """Needs credentials; what it writes proves that it had them, without revealing them."""

    def __init__(self, filepath: str, credentials: dict):
        super().__init__(filepath)
        self._token = credentials["token"]

    def encode(self, data: Any) -> bytes:
        proof = hashlib.sha256(self._token.encode()).hexdigest()[:12]
        return json.dumps({"proof": proof, "data": data}, sort_keys=True).encode()

    def decode(self, content: bytes) -> Any:
        return json.loads(content)["data"]


class VersionedDataset(AbstractVersionedDataset):
    """JSON, in one folder per version."""

    def __init__(self, filepath: str, version: Any | None = None):
        super().__init__(PurePosixPath(filepath), version)

    def _load(self) -> Any:
        return json.loads(Path(str(self._get_load_path())).read_text())

    def _save(self, data: Any) -> None:
        write(Path(str(self._get_save_path())), json.dumps(data, sort_keys=True).encode())

    def _describe(self) -> dict:
        return {"filepath": str(self._filepath), "version": self._version}
