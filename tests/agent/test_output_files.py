"""Which output files are kept, also when many flow runs start at once."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kedro_prefect_hooks.agent import output_files
from kedro_prefect_hooks.agent.output_files import OutputFiles


def test_the_oldest_files_are_deleted_except_those_in_use(tmp_path: Path) -> None:
    for number in range(110):
        file = tmp_path / f"{number:03}.log"
        file.touch()
        os.utime(file, (number, number))
    files = OutputFiles(tmp_path, in_use=lambda: {"000", "003"})
    created = files.create("new")
    left = sorted(file.stem for file in tmp_path.glob("*.log"))
    assert left == ["000", "003", *(f"{number:03}" for number in range(11, 110)), "new"]
    assert created.stat().st_mode & 0o077 == 0


def test_the_output_of_an_earlier_attempt_is_kept(tmp_path: Path) -> None:
    files = OutputFiles(tmp_path / "logs", in_use=set)
    files.create("run").write_text("first attempt\n", encoding="utf-8")
    assert files.create("run").read_text(encoding="utf-8") == "first attempt\n"


def test_many_starts_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_files, "KEPT", 5)
    # Two agents of one project share the folder.
    agents = [OutputFiles(tmp_path, in_use=set) for _ in range(2)]
    with ThreadPoolExecutor(20) as pool:
        created = list(pool.map(lambda n: agents[n % 2].create(f"{time.time_ns()}-{n}"), range(400)))
    assert len(created) == 400
