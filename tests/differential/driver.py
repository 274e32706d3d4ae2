"""Runs cases in a process that is kept: reads a case per line from its input, writes what happened.

    {"case": {…}, "number": 7}   →   {"reference": {…}, "full": {…}, "ours": {…}, "later": {…}}

Each side is a project of its own, with a package of its own, in the same process: to start one for each
would take most of the time. Only a flow run under an agent has a process of its own.

`full` is Kedro's run with no node failing, for cases with a failing node. `later` are Kedro's runs for a case
that fails and is run again: of those nodes that ours has finished in each failed run, then of all.
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
from typing import Any, Callable, Dict, Iterator, List, Sequence

from tests.differential import projects
from tests.differential.agent_side import AgentSide, Api
from tests.differential.cases import AGENT, OLD_VERSIONS, Case, failed_runs, for_kedro, full_name, runs
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
        self._api = Api()

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
        if failed_runs(case) != 0 or not failure:
            found["reference"] = self._side(case, number, "reference")
        if failure:
            found["full"] = self._side(case, number, "full")
        found["ours"] = self._side(case, number, "ours")
        if failure and case["again"] and not case.get("restart"):
            found["later"] = self._side(case, number, "later", found["ours"]["runs"])
        return found

    def _side(
        self, case: Case, number: int, side: str, before: Sequence[Dict[str, Any]] = ()
    ) -> Dict[str, Any]:
        """One side of a case; `before` are our runs, for Kedro's `later`."""
        package = f"case_{os.getpid()}_{number}_{side}"
        path = self.folder / package
        ours = side == "ours"
        project = projects.write_project(
            path,
            package,
            case if ours else for_kedro(case),
            self.executor(case["executor"]) if ours else {},
            ours=ours,
            api=self._api.url if ours and case["through"] == AGENT else "embedded",
        )
        if side in ("full", "later"):
            project.write("state/never", "")
        found = []
        folder_before = Path.cwd()
        path_before = list(sys.path)
        started = time.monotonic()
        try:
            run = self._our_run(project, case) if ours else self._kedro_run(project, case, before)
            for place in range(runs(case)):
                if place:
                    projects.add_partition(project, case)
                found.append(run(place))
        finally:
            os.chdir(str(folder_before))
            sys.path[:] = path_before
            shutil.rmtree(str(path), ignore_errors=True)
        return {"runs": found, "seconds": round(time.monotonic() - started, 3)}

    def _kedro_run(
        self, project: Project, case: Case, before: Sequence[Dict[str, Any]]
    ) -> Callable[[int], Dict[str, Any]]:
        """Runs Kedro's side once, given how many runs there were."""

        def run(place: int) -> Dict[str, Any]:
            nodes = None
            if place < len(before) and before[place]["exit"]:
                nodes = finished_nodes(case, before[place])
                if not nodes:
                    return {
                        "exit": 0,
                        "error": None,
                        "hooks": [],
                        "files": _files(project.data),
                        "output": "",
                    }
            arguments = ["run", *projects.kedro_arguments(case, nodes)]
            return self._run(project, lambda: _command(project, arguments))

        return run

    def _our_run(self, project: Project, case: Case) -> Callable[[int], Dict[str, Any]]:
        """Runs our side once; the attempts of a flow run that is restarted before its last are `attempts`."""
        arguments = projects.our_arguments(case)
        output = self.folder / "output"
        url = self._api.url if case["through"] == AGENT else ""
        agent = AgentSide(project, url, lambda given: _exit_code(_command, project, given), output)

        def run(_: int) -> Dict[str, Any]:
            if case["through"] != AGENT:
                return self._run(project, lambda: _command(project, arguments))
            attempts = [self._run(project, lambda: sys.exit(agent.run(arguments)))]
            restarts = failed_runs(case) or 0 if case.get("restart") else 0
            for _ in range(restarts):
                if attempts[-1]["exit"] and any("node" in call for call in attempts[-1]["hooks"]):
                    attempts.append(self._run(project, lambda: sys.exit(agent.restart())))
            return {**attempts[-1], "attempts": attempts[:-1]}

        return run

    def _run(self, project: Project, call: Callable[[], Any]) -> Dict[str, Any]:
        """One command in this process, as in a process of its own, and what it left."""
        output = self.folder / "output"
        os.chdir(str(project.path))
        error = None
        with _output_to(output):
            try:
                code = _exit_code(call)
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

    def close(self) -> None:
        self._api.close()
        self._open.close()


def finished_nodes(case: Case, run: Dict[str, Any]) -> List[str]:
    """Names of the nodes that a run has finished, as Kedro's filters want them."""
    finished = {call["node"] for call in run["hooks"] if call["hook"] == "after_node_run"}
    failing = [call["node"] for call in run["hooks"] if call["hook"] == "on_node_error"]
    finished -= {*failing, case["failure"]["node"]}
    return [full_name(node) for node in case["nodes"] if node["name"] in finished]


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
