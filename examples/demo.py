"""From `kedro run` to a finished Prefect flow run, on this machine and nothing else: what `make demo` runs.

1. Plain `kedro run` of the example project: the outputs to compare with.
2. `kedro run --env deploy`: the hook registers the project's flows with the embedded Prefect API.
3. That API and an ordinary Prefect agent are started, as processes of their own.
4. A run of the flow `flight-delays` is asked for through Prefect's client and followed to its end.
5. The flow run's outputs and log lines are checked.

Steps 3 and 4 are spelled out here; `kedro prefect up` and `kedro prefect run` do the same in two commands.
Ends with exit code 0 only if all of it is as it should be, and with no process of its own left behind.
Takes one to two minutes. What the processes print goes into files in `examples/flights/.kedro_prefect/demo/`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Iterator

import kedro

EXAMPLES = Path(__file__).resolve().parent
FLOW = "flight-delays"
NODES = re.compile(r"Completed (\d+) out of (\d+) tasks")

# Everything that the steps wait for comes much sooner; without a limit, a mistake would wait for ever.
PATIENCE = 240


class DemoError(Exception):
    """Something is not as it should be; the message says what, and where to look."""


class Progress:
    """Lines that tell the step and the seconds since the start: readable in a terminal and in a log."""

    steps = 5

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._step = 0

    def step(self, text: str) -> None:
        self._step += 1
        print(flush=True)
        self.say(f"step {self._step} of {self.steps}: {text}")

    def say(self, text: str) -> None:
        for line in text.splitlines():
            print(f"[{time.monotonic() - self._start:5.1f} s] {line}", flush=True)


def main() -> int:
    """Runs the demo; returns the exit code."""
    progress = Progress()
    signal.signal(signal.SIGTERM, _end_like_ctrl_c)
    project = _project()
    logs = project / ".kedro_prefect" / "demo"
    logs.mkdir(parents=True, exist_ok=True)
    _leave_the_users_prefect_alone(logs)
    try:
        _demo(progress, project, logs)
    except DemoError as error:
        progress.say(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        progress.say("Interrupted.")
        return 130
    return 0


def _demo(progress: Progress, project: Path, logs: Path) -> None:
    progress.step("plain `kedro run`, to compare with")
    _kedro_run(progress, project, logs / "1-kedro-run.log")

    progress.step("`kedro run --env deploy`: registers the flows, then runs as ever")
    _kedro_run(progress, project, logs / "2-kedro-run-deploy.log", "--env", "deploy")

    progress.step("the embedded Prefect API, and an agent")
    with contextlib.ExitStack() as processes:
        url = _start_api(progress, project, logs, processes)
        _start_agent(progress, url, logs, processes)

        progress.step(f"a run of the flow {FLOW!r}")
        asked_at = time.time()
        flow_run = _ask_for_a_run(progress, url)
        log_lines = _follow(progress, url, flow_run)

    progress.step("is everything there?")
    _check_logs(progress, log_lines)
    files = _check_outputs(progress, project, newer_than=asked_at)
    _what_next(project, files, logs)


# --- before the first step -------------------------------------------------------------------------


def _project() -> Path:
    """The example project; under Kedro 0.x a copy of it that says so, as Kedro asks of its projects."""
    project = EXAMPLES / "flights"
    if not kedro.__version__.startswith("0."):
        return project
    copy = EXAMPLES / "flights-kedro-0"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(project, copy, ignore=shutil.ignore_patterns("data", ".kedro_prefect", "__pycache__"))
    pyproject = copy / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    pyproject.write_text(re.sub(r'(kedro_init_version = )"1[^"]*"', r'\1"0.19.0"', text), encoding="utf-8")
    return copy


def _leave_the_users_prefect_alone(folder: Path) -> None:
    """Puts Prefect's settings and files into `folder`, for this process and those that it starts."""
    for name in list(os.environ):
        if name.startswith(("PREFECT_", "KEDRO_")):
            del os.environ[name]
    os.environ["PREFECT__HOME_DIR"] = str(folder / "prefect-home")
    os.environ["PREFECT__USER_CONFIG_PATH"] = str(folder / "prefect-home" / "config.toml")
    os.environ["PREFECT__BACKEND"] = "server"  # the other one, Prefect Cloud 1, is gone
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    os.environ["KEDRO_DISABLE_TELEMETRY"] = "1"
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ["COLUMNS"] = "160"  # no line breaks within the log lines that are read below


def _end_like_ctrl_c(*_: object) -> None:
    raise KeyboardInterrupt


# --- steps 1 and 2: kedro run ----------------------------------------------------------------------


def _kedro_run(progress: Progress, project: Path, log: Path, *arguments: str) -> None:
    """Runs `kedro run`, telling how far it is; its whole output goes to the file `log`."""
    command = [sys.executable, "-m", "kedro", "run", *arguments]
    with _started(command, log, cwd=project) as process:
        told = 0.0
        for line in _lines_as_they_come(process, log):
            done = NODES.search(line)
            if done and (time.monotonic() - told > 2 or done.group(1) == done.group(2)):
                told = time.monotonic()
                progress.say(f"{done.group(1)} of {done.group(2)} nodes")
            elif not _is_log_line(line) and line.strip():
                progress.say(line.rstrip())
        if process.wait() != 0:
            raise DemoError(f"`kedro run {' '.join(arguments)}` ended with {process.returncode}: see {log}")


def _is_log_line(line: str) -> bool:
    return bool(re.match(r"\[\d\d/\d\d/\d\d|\s{10}|\[\d{4}-|\d{4}-", line))


def _lines_as_they_come(process: subprocess.Popen[bytes], log: Path) -> Iterator[str]:
    """The lines of `log`, while `process` writes it and until it has ended."""
    deadline = time.monotonic() + PATIENCE
    with log.open(encoding="utf-8", errors="replace") as file:
        rest = ""
        while True:
            ended = process.poll() is not None
            *lines, rest = (rest + file.read()).split("\n")
            yield from lines
            if ended:
                return
            if time.monotonic() > deadline:
                raise DemoError(f"Nothing came of it in {PATIENCE} seconds: see {log}")
            time.sleep(0.1)


@contextlib.contextmanager
def _started(command: list[str], log: Path, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a process that prints into `log`; at the end it is gone, and so are those that it started."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks the process to end, and after ten seconds its whole process group does not get to choose."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


# --- step 3: the API and the agent -----------------------------------------------------------------


def _start_api(progress: Progress, project: Path, logs: Path, processes: contextlib.ExitStack) -> str:
    """Starts the embedded API on the project's file, unless one runs already; returns its URL."""
    from kedro_prefect_hooks.embedded.location import database_path, running

    endpoint = running(project)
    if endpoint is not None:
        progress.say(f"the API runs already, at {endpoint.url}")
        return endpoint.url
    log = logs / "3-api.log"
    command = [sys.executable, "-m", "kedro_prefect_hooks.embedded", "--port", "0"]
    process = processes.enter_context(_started([*command, "--database", str(database_path(project))], log))
    for line in _lines_as_they_come(process, log):
        if line.startswith("Listening at "):
            url = line.split()[-1]
            progress.say(f"the API answers at {url}")
            return url
    raise DemoError(f"The embedded API did not start: see {log}")


def _start_agent(progress: Progress, url: str, logs: Path, processes: contextlib.ExitStack) -> None:
    """Starts Prefect's own local agent. It looks for runs that are due and starts a process for each.

    A local agent labels itself with the host's name, and an agent with labels passes over flows without.
    """
    command = [sys.executable, "-m", "prefect", "agent", "local", "start", "--api", url]
    log = logs / "3-agent.log"
    process = processes.enter_context(_started([*command, "--no-hostname-label", "--show-flow-logs"], log))
    for line in _lines_as_they_come(process, log):
        if "Waiting for flow runs" in line:
            progress.say("a Prefect agent waits for flow runs")
            return
    raise DemoError(f"The agent did not start: see {log}")


# --- step 4: a flow run ----------------------------------------------------------------------------


def _ask_for_a_run(progress: Progress, url: str) -> str:
    """Creates a run of the newest version of the flow, as Prefect's page or command line would; its id."""
    import prefect

    client = prefect.Client(api_server=url)
    answer = client.graphql(
        "query($name: String) { flow(where: {name: {_eq: $name}, archived: {_eq: false}}) { id version } }",
        variables={"name": FLOW},
    )
    if len(answer.data.flow) != 1:
        raise DemoError(
            f"There should be one live flow {FLOW!r} in the API, but there are {answer.data.flow}"
        )
    flow = answer.data.flow[0]
    flow_run = client.create_flow_run(flow_id=flow.id, run_name="demo")
    progress.say(f"version {flow.version} of the flow, flow run {flow_run}")
    return str(flow_run)


FOLLOW = """
query($id: uuid!) {
  flow_run_by_pk(id: $id) {
    state
    state_message
    task_runs { state }
    logs(order_by: {timestamp: asc}) { id name level message }
  }
}
"""


def _follow(progress: Progress, url: str, flow_run: str) -> list[Any]:
    """Tells states, and what the project's nodes say, until the flow run has ended; all of its log lines."""
    import prefect

    client = prefect.Client(api_server=url)
    seen: set[str] = set()
    told = ""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        run = client.graphql(FOLLOW, variables={"id": flow_run}).data.flow_run_by_pk
        for line in run.logs:
            if line.id not in seen and line.name.startswith("flights"):
                progress.say(f"    {line.name.split('.')[-2]}: {line.message}")
            seen.add(line.id)
        done = sum(task.state == "Success" for task in run.task_runs)
        now = f"{run.state}, {done} of {len(run.task_runs)} tasks done"
        if now != told:
            progress.say(now)
            told = now
        if run.state in ("Failed", "Cancelled"):
            raise DemoError(f"The flow run ended as {run.state}: {run.state_message}\n{_errors(run.logs)}")
        # Log lines are sent every few seconds, and the last of them come a little after the state.
        if run.state == "Success" and any(line.message.startswith("Flow run SUCCESS") for line in run.logs):
            return list(run.logs)
        time.sleep(1)
    raise DemoError(f"The flow run did not end within {PATIENCE} seconds; it was {told}")


def _errors(log_lines: list[Any]) -> str:
    return "\n".join(line.message for line in log_lines if line.level in ("ERROR", "CRITICAL"))


# --- step 5: what there is -------------------------------------------------------------------------


def _check_logs(progress: Progress, log_lines: list[Any]) -> None:
    """The lines of Prefect, of Kedro and of the project's four pipelines have reached the API."""
    for start in (
        "prefect",
        "kedro",
        *(f"flights.pipelines.{p}" for p in ("ingest", "delays", "model", "report")),
    ):
        count = sum(line.name.startswith(start) for line in log_lines)
        if not count:
            raise DemoError(f"No log line of {start} is in the API.")
        progress.say(f"{count:4} log lines of {start} are in the API")


def _check_outputs(progress: Progress, project: Path, newer_than: float) -> list[Path]:
    """The flow run wrote what the plain run wrote, byte for byte; returns its files."""
    plain, deployed = (_newest_files(project / "data" / env) for env in ("local", "deploy"))
    if not plain or set(plain) != set(deployed):
        raise DemoError(f"The two runs wrote different files: {sorted(set(plain) ^ set(deployed))}")
    for name, path in deployed.items():
        if path.stat().st_mtime < newer_than:
            raise DemoError(f"The flow run did not write {path}.")
        if path.read_bytes() != plain[name].read_bytes():
            raise DemoError(f"{path} is not the same as {plain[name]}.")
    progress.say(
        f"{len(deployed):4} outputs of the flow run are the same, byte for byte, as those of `kedro run`"
    )
    return sorted(deployed.values())


def _newest_files(folder: Path) -> dict[str, Path]:
    """The files below `folder` by name; of a versioned dataset (`name/version/name`) the last one written."""
    files = sorted(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_mtime
    )
    return {path.name: path for path in files}


def _what_next(project: Path, files: list[Path], logs: Path) -> None:
    def short(path: Path) -> str:
        near = os.path.relpath(path)
        return str(path) if near.startswith("..") else near

    report = next(path for path in files if path.name == "report.md")
    prefect_yml = EXAMPLES.parent / "conf_example" / "base" / "prefect.yml"
    print(
        f"""
All of it worked: the flows of a Kedro project are registered with Prefect, an agent has run one of them, and
it gave what `kedro run` gives.

  The report        {short(report)} (with two pictures beside it)
  All outputs       {short(project / "data" / "deploy")}
  What was printed  {short(logs)}

Try next, in {short(project)} (with {Path(sys.executable).parent} on the PATH):

  kedro prefect up --env deploy
        the API, its page and an agent, with all that happened in this demo
  kedro prefect run flight-delays --env deploy --watch --param late_minutes=60
        in a second terminal: another flow run, for flights that are an hour late
  kedro run --env deploy
        again: every flow is unchanged, and no version is made. Then change a retry or a schedule in
        {short(prefect_yml)} and run it once more
  kedro run --runner kedro_prefect_hooks.PrefectRunner
        the nodes as Prefect tasks, without any API
"""
    )


if __name__ == "__main__":
    sys.exit(main())
