"""Writes a case for a person to look at: a project for Kedro's own runner, one for ours, and a script."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, List

from tests.differential import projects
from tests.differential.cases import (
    AGENT,
    DASK,
    LOCAL,
    PROCESSES,
    THREADS,
    TIMEOUTS,
    Case,
    failed_runs,
    for_kedro,
    runs,
)

RESTART = Path(__file__).resolve().with_name("restart_last_run.py")


def write_case(folder: Path, case: Case) -> None:
    """A case as a project for Kedro's own runner, one for ours, and a script that runs and compares them."""
    executors: Dict[str, Dict[str, Any]] = {
        LOCAL: {"type": "LocalExecutor"},
        THREADS: {"type": "LocalDaskExecutor", "scheduler": "threads", "num_workers": 2},
        PROCESSES: {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": 2},
        DASK: {"type": "DaskExecutor", "cluster_kwargs": {"n_workers": 2, "threads_per_worker": 1}},
    }
    executors[TIMEOUTS] = executors[THREADS]
    for side in ("kedro", "ours"):
        projects.write_project(
            folder / side,
            "the_case",
            case if side == "ours" else for_kedro(case),
            executors[case["executor"]],
            ours=side == "ours",
        )
    lines = [
        "#!/bin/sh",
        "# Run once. If the file <side>/state/never exists, no node fails.",
        'cd "$(dirname "$0")" || exit 1',
        f'PYTHON="${{PYTHON:-{sys.executable}}}"',
        "export KEDRO_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1",
    ]
    if case["restart"]:
        lines += ["mkdir -p kedro/state && touch kedro/state/never"]
    lines += _repeated("kedro", ["run", *projects.kedro_arguments(case)], case)
    if case["through"] == AGENT:
        shutil.copy(str(RESTART), str(folder))
        restarts = failed_runs(case) or 0 if case["restart"] else 0
        first, *others = _repeated("ours", [*projects.our_arguments(case), "--watch"], case)
        lines += [
            _command("ours", ["prefect", "register", "--env", "local"]),
            '(cd ours && exec "$PYTHON" -m kedro prefect up --port 0) > up.log 2>&1 &',
            "up=$!",
            'until grep -q "is waiting for flow runs" up.log; do sleep 1; done',
            first,
            *[f'(cd ours && "$PYTHON" ../{RESTART.name})'] * restarts,
            *others,
            "kill $up; wait",
        ]
    else:
        lines += _repeated("ours", projects.our_arguments(case), case)
    lines += ["diff -r kedro/data ours/data", "diff kedro/hook_calls.jsonl ours/hook_calls.jsonl"]
    script = folder / "run.sh"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    script.chmod(0o755)
    (folder / "case.json").write_text(json.dumps(case, indent=1) + "\n", encoding="utf-8")


def _repeated(side: str, arguments: List[str], case: Case) -> List[str]:
    """The command as often as the case calls it, and what arrives before all calls but the first."""
    arrives = [f"cp {side}/data/{name}/p2.json {side}/data/{name}/p3.json" for name in projects.growing(case)]
    command = _command(side, arguments)
    return [command, *[*arrives, command] * (runs(case) - 1)]


def _command(side: str, arguments: List[str]) -> str:
    words = " ".join(f"'{word}'" for word in arguments)
    return f'(cd {side} && "$PYTHON" -m kedro {words}); echo "{side}: exit code $?"'
