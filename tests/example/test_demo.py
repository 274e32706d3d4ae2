"""What `make demo` runs: from registration to a finished flow run, on a copy of the example project."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from tests.example.conftest import REPOSITORY


@pytest.mark.timeout(420)
def test_the_demo_goes_from_kedro_run_to_a_finished_flow_run(demo_run: tuple[Path, str]) -> None:
    printed = demo_run[1]
    assert re.search(r"new +flight-delays +version 1", printed)
    assert "Success, 24 of 24 tasks done" in printed
    assert re.search(r"[1-9]\d* log records of kedro are in the API", printed)
    assert "13 outputs of the flow run are identical, byte for byte" in printed


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    """Return `demo.py` as a module."""
    spec = importlib.util.spec_from_file_location("demo", REPOSITORY / "examples" / "demo.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="process groups exist only on POSIX systems")
def test_the_demo_terminates_its_processes_and_their_children(demo: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with demo._started([sys.executable, "-c", PARENT], log) as parent:
        child = int(next(demo._follow_lines(parent, log)))
        assert parent.poll() is None
    assert parent.poll() is not None
    deadline = time.monotonic() + 10
    while _is_alive(child):
        assert time.monotonic() < deadline, "the child process outlived the demo"
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # If nothing reaps orphans, a dead one stays in the process table as a zombie.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_different_outputs_are_detected(demo: ModuleType, tmp_path: Path) -> None:
    plain, deployed = tmp_path / "data" / "local", tmp_path / "data" / "deploy"
    for folder, version in ((plain, "v1"), (deployed, "v2")):
        versioned = folder / "model.pickle" / version
        versioned.mkdir(parents=True)
        (versioned / "model.pickle").write_bytes(b"same")
        (folder / "table.csv").write_bytes(b"same")

    assert len(demo._check_outputs(demo.Progress(), tmp_path, newer_than=0)) == 2
    of_another_flow = deployed / "routes.csv"
    of_another_flow.write_bytes(b"only here")
    os.utime(str(of_another_flow), (1, 1))
    assert len(demo._check_outputs(demo.Progress(), tmp_path, newer_than=0, compare_since=2)) == 2
    of_another_flow.unlink()
    with pytest.raises(demo.DemoError, match="did not write"):
        demo._check_outputs(demo.Progress(), tmp_path, newer_than=time.time() + 60)
    (deployed / "table.csv").write_bytes(b"other")
    with pytest.raises(demo.DemoError, match="differs from"):
        demo._check_outputs(demo.Progress(), tmp_path, newer_than=0)
    (deployed / "table.csv").unlink()
    with pytest.raises(demo.DemoError, match="different files"):
        demo._check_outputs(demo.Progress(), tmp_path, newer_than=0)


def test_log_records_of_each_pipeline_are_required(demo: ModuleType) -> None:
    with pytest.raises(demo.DemoError, match="No log records of prefect"):
        demo._check_logs(demo.Progress(), [])
