"""Runs cases in a process that is kept: reads a case per line from its input, writes what happened.

    {"case": {…}, "number": 7}   →   {"reference": {…}, "full": {…}, "ours": {…}}

Each side is a project of its own, with a package of its own, in the same process: to start one for each
would take most of the time. `full` is Kedro's run with no node failing, for cases with a failing node.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, List

from tests.differential import projects
from tests.differential.cases import OLD_VERSIONS, Case
from tests.scenarios.project_factory import Project

WORKERS = 2


class Driver:
    """The runs of one process.

    Args:
        folder: where projects are made; they are removed when their case is done.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._address: str | None = None
        self._open = contextlib.ExitStack()

    def executor(self, name: str) -> Dict[str, Any]:
        """The `executor` of `prefect.yml`; Dask's cluster is started when it is first needed."""
        if name == "local":
            return {"type": "LocalExecutor"}
        if name in ("threads", "timeouts"):
            return {"type": "LocalDaskExecutor", "scheduler": "threads", "num_workers": WORKERS}
        if name == "processes":
            return {"type": "LocalDaskExecutor", "scheduler": "processes", "num_workers": WORKERS}
        if self._address is None:
            from distributed import LocalCluster

            cluster = LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None)
            self._address = self._open.enter_context(cluster).scheduler_address
        return {"type": "DaskExecutor", "address": self._address}

    def run(self, case: Case, number: int) -> Dict[str, Any]:
        """All sides of a case."""
        found: Dict[str, Any] = {}
        failure = case["failure"]
        sides = ["reference"] + ["full"] * bool(failure) + ["ours"]
        if failure and failure["times"] is not None and failure["times"] <= case["retries"]:
            sides.remove("reference")
        for side in sides:
            found[side] = self._side(case, number, side)
        return found

    def _side(self, case: Case, number: int, side: str) -> Dict[str, Any]:
        package = f"case_{os.getpid()}_{number}_{side}"
        path = self.folder / package
        ours = side == "ours"
        executor = self.executor(case["executor"]) if ours else {}
        project = projects.write_project(path, package, case, executor, ours=ours)
        if side == "full":
            project.write("state/never", "")
        arguments = projects.our_arguments(case) if ours else ["run", *projects.kedro_arguments(case)]
        runs = []
        before = Path.cwd()
        path_before = list(sys.path)
        started = time.monotonic()
        try:
            for again in range(1 + case["again"]):
                if again:
                    projects.add_partition(project, case)
                runs.append(_run(project, arguments, self.folder / "output"))
        finally:
            os.chdir(str(before))
            sys.path[:] = path_before
            shutil.rmtree(str(path), ignore_errors=True)
        return {"runs": runs, "seconds": round(time.monotonic() - started, 3)}

    def close(self) -> None:
        self._open.close()


def _run(project: Project, arguments: List[str], output: Path) -> Dict[str, Any]:
    """One command in this process, as in a process of its own, and what it left."""
    os.chdir(str(project.path))
    error = None
    with _output_to(output):
        try:
            code = _exit_code(_command, project, arguments)
        except BaseException as raised:  # whatever a node raises
            traceback.print_exc()
            error = {"type": type(raised).__name__, "text": str(raised)}
            code = 1
    log = project.path / "hook_calls.jsonl"
    hooks = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if log.exists():
        log.unlink()
    found = {
        "exit": code,
        "error": error,
        "hooks": hooks,
        "files": _files(project.data),
        "output": output.read_text(encoding="utf-8", errors="replace")[-6000:],
    }
    text = json.dumps(found).replace(json.dumps(str(project.path))[1:-1], "<project>")
    text = _MADE_VERSION.sub("<version>", text)  # in messages of Kedro's
    done: Dict[str, Any] = json.loads(text.replace(project.package, "<package>"))
    return done


def _exit_code(call: Any, *arguments: Any) -> int:
    """The exit code of a process that makes this call."""
    try:
        call(*arguments)
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code)
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    return 0


def _command(project: Project, arguments: List[str]) -> None:
    from kedro.framework.startup import bootstrap_project

    metadata = bootstrap_project(project.path)
    name, *rest = arguments
    if name == "run":
        from kedro.framework.cli.project import run

        run.main(rest, prog_name="kedro run", obj=metadata)
    else:
        from kedro_prefect_hooks.cli import commands

        commands.main(arguments, prog_name="kedro", obj=metadata)


@contextlib.contextmanager
def _output_to(file: Path) -> Iterator[None]:
    """What this process and those it starts print goes to a file meanwhile."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    descriptor = os.open(str(file), os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, descriptor in zip((1, 2), kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}T[\d.]+Z(-\w+)?$")
_MADE_VERSION = re.compile(r"20(?!20-01-01|21-01-01)\d\d-\d\d-\d\dT[\d.]+Z(-\w+)?")


def _files(data: Path) -> Dict[str, str]:
    """Contents by path; versions that runs have made are numbered, since their names differ."""
    found = {}
    for file in sorted(data.rglob("*")):
        if file.is_file():
            parts = list(file.relative_to(data).parts)
            for place, part in enumerate(parts):
                if _VERSION.match(part) and part not in OLD_VERSIONS:
                    folder = data.joinpath(*parts[:place])
                    new = sorted(each.name for each in folder.iterdir() if each.name not in OLD_VERSIONS)
                    parts[place] = f"version {new.index(part) + 1}"
            found["/".join(parts)] = file.read_text(encoding="utf-8", errors="replace")
    return found


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp(prefix="kedro-prefect-cases-")).resolve()
    driver = Driver(folder)
    try:
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = driver.run(request["case"], request["number"])
            except Exception:
                answer = {"broken": traceback.format_exc()}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    finally:
        driver.close()
        shutil.rmtree(str(folder), ignore_errors=True)


if __name__ == "__main__":
    main()
