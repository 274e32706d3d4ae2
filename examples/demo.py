"""From `kedro run` to a finished Prefect flow run, on this machine only: what `make demo` runs.

1. A plain `kedro run` of the example project creates the outputs to compare with.
2. `kedro run --env deploy`: the hook registers the project's flows with the embedded Prefect API.
3. This API and an ordinary Prefect agent are started as separate processes.
4. Prefect's client creates a run of the flow `flight-delays`, which is followed until it has finished.
5. The outputs and log records of the flow run are checked.

Steps 3 and 4 are written out here; `kedro prefect up` and `kedro prefect run` do the same in two commands.
The exit code is 0 only if every check has passed. All processes that were started have then been stopped.
The demo takes one to two minutes. The output of the processes is in `examples/flights/.kedro_prefect/demo/`.
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

# Seconds to wait in each step. All of them take much less; without a limit, a mistake would wait forever.
TIMEOUT = 240


class DemoError(Exception):
    """A check has failed; the message says which, and where to look."""


class Progress:
    """Print the step and the seconds since the start: readable in a terminal and in a log."""

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
    """Run the demo, and return the exit code."""
    progress = Progress()
    signal.signal(signal.SIGTERM, _raise_keyboard_interrupt)
    project = _project()
    logs = project / ".kedro_prefect" / "demo"
    logs.mkdir(parents=True, exist_ok=True)
    _isolate_prefect(logs)
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
    begun_at = time.time()
    progress.step("plain `kedro run`, for comparison")
    _kedro_run(progress, project, logs / "1-kedro-run.log")

    progress.step("`kedro run --env deploy`: registers the flows, then runs as usual")
    _kedro_run(progress, project, logs / "2-kedro-run-deploy.log", "--env", "deploy")

    progress.step("start the embedded Prefect API and an agent")
    with contextlib.ExitStack() as processes:
        url = _start_api(progress, project, logs, processes)
        _start_agent(progress, url, logs, processes)

        progress.step(f"run the flow {FLOW!r}")
        started_at = time.time()
        flow_run = _create_flow_run(progress, url)
        log_lines = _follow(progress, url, flow_run)

    progress.step("check logs and outputs")
    _check_logs(progress, log_lines)
    files = _check_outputs(progress, project, newer_than=started_at, compare_since=begun_at)
    _print_next_steps(project, files, logs)


# --- before the first step -------------------------------------------------------------------------


def _project() -> Path:
    """Return the example project; for Kedro 0.x, a copy with the version that Kedro requires."""
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


def _isolate_prefect(folder: Path) -> None:
    """Keep Prefect's settings and files in `folder`, for this process and those that it starts."""
    for name in list(os.environ):
        if name.startswith(("PREFECT_", "KEDRO_")):
            del os.environ[name]
    os.environ["PREFECT__HOME_DIR"] = str(folder / "prefect-home")
    os.environ["PREFECT__USER_CONFIG_PATH"] = str(folder / "prefect-home" / "config.toml")
    os.environ["PREFECT__BACKEND"] = "server"  # the alternative, Prefect Cloud 1, has been shut down
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"
    os.environ["KEDRO_DISABLE_TELEMETRY"] = "1"
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ["COLUMNS"] = "160"  # no line breaks within the log records that are parsed below


def _raise_keyboard_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


# --- steps 1 and 2: kedro run ----------------------------------------------------------------------


def _kedro_run(progress: Progress, project: Path, log: Path, *arguments: str) -> None:
    """Run `kedro run` and print its progress; write its full output to the file `log`."""
    command = [sys.executable, "-m", "kedro", "run", *arguments]
    with _started(command, log, cwd=project) as process:
        printed_at = 0.0
        for line in _follow_lines(process, log):
            done = NODES.search(line)
            if done and (time.monotonic() - printed_at > 2 or done.group(1) == done.group(2)):
                printed_at = time.monotonic()
                progress.say(f"{done.group(1)} of {done.group(2)} nodes")
            elif not _is_log_line(line) and line.strip():
                progress.say(line.rstrip())
        if process.wait() != 0:
            raise DemoError(
                f"`kedro run {' '.join(arguments)}` failed with exit code {process.returncode}: see {log}"
            )


def _is_log_line(line: str) -> bool:
    return bool(re.match(r"\[\d\d/\d\d/\d\d|\s{10}|\[\d{4}-|\d{4}-", line))


def _follow_lines(process: subprocess.Popen[bytes], log: Path) -> Iterator[str]:
    """Yield the lines of `log` as `process` writes them, until it has ended."""
    deadline = time.monotonic() + TIMEOUT
    with log.open(encoding="utf-8", errors="replace") as file:
        rest = ""
        while True:
            ended = process.poll() is not None
            *lines, rest = (rest + file.read()).split("\n")
            yield from lines
            if ended:
                return
            if time.monotonic() > deadline:
                raise DemoError(f"Timed out after {TIMEOUT} seconds: see {log}")
            time.sleep(0.1)


@contextlib.contextmanager
def _started(command: list[str], log: Path, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that prints to `log`; on exit, terminate it and all processes that it has started."""
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
        _terminate(process)


def _terminate(process: subprocess.Popen[bytes]) -> None:
    """Terminate the process, and after at most ten seconds kill its process group."""
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
    """Start the embedded API with the project's file, unless it is already running, and return its URL."""
    from kedro_prefect_hooks.embedded.location import database_path, running

    endpoint = running(project)
    if endpoint is not None:
        progress.say(f"the API is already running at {endpoint.url}")
        return endpoint.url
    log = logs / "3-api.log"
    command = [sys.executable, "-m", "kedro_prefect_hooks.embedded", "--port", "0"]
    process = processes.enter_context(_started([*command, "--database", str(database_path(project))], log))
    for line in _follow_lines(process, log):
        if line.startswith("Listening at "):
            url = line.split()[-1]
            progress.say(f"the API is running at {url}")
            return url
    raise DemoError(f"The embedded API did not start: see {log}")


def _start_agent(progress: Progress, url: str, logs: Path, processes: contextlib.ExitStack) -> None:
    """Start Prefect's own local agent, which polls for flow runs and starts a process for each.

    By default, a local agent has the host name as a label; an agent with labels skips flows without labels.
    """
    command = [sys.executable, "-m", "prefect", "agent", "local", "start", "--api", url]
    log = logs / "3-agent.log"
    process = processes.enter_context(_started([*command, "--no-hostname-label", "--show-flow-logs"], log))
    for line in _follow_lines(process, log):
        if "Waiting for flow runs" in line:
            progress.say("a Prefect agent is waiting for flow runs")
            return
    raise DemoError(f"The agent did not start: see {log}")


# --- step 4: a flow run ----------------------------------------------------------------------------


def _create_flow_run(progress: Progress, url: str) -> str:
    """Create a run of the newest version of the flow, as Prefect's UI would, and return its id."""
    import prefect

    client = prefect.Client(api_server=url)
    answer = client.graphql(
        "query($name: String) { flow(where: {name: {_eq: $name}, archived: {_eq: false}}) { id version } }",
        variables={"name": FLOW},
    )
    if len(answer.data.flow) != 1:
        raise DemoError(f"Expected one active flow {FLOW!r} in the API, found {answer.data.flow}")
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
    """Print states and the log records of nodes until the flow run has finished; return all log records."""
    import prefect

    client = prefect.Client(api_server=url)
    seen: set[str] = set()
    printed = ""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        run = client.graphql(FOLLOW, variables={"id": flow_run}).data.flow_run_by_pk
        for line in run.logs:
            if line.id not in seen and line.name.startswith("flights"):
                progress.say(f"    {line.name.split('.')[-2]}: {line.message}")
            seen.add(line.id)
        done = sum(task.state == "Success" for task in run.task_runs)
        status = f"{run.state}, {done} of {len(run.task_runs)} tasks done"
        if status != printed:
            progress.say(status)
            printed = status
        if run.state in ("Failed", "Cancelled"):
            raise DemoError(f"The flow run finished as {run.state}: {run.state_message}\n{_errors(run.logs)}")
        # Log records are sent every few seconds; the last ones arrive shortly after the state.
        if run.state == "Success" and any(line.message.startswith("Flow run SUCCESS") for line in run.logs):
            return list(run.logs)
        time.sleep(1)
    raise DemoError(f"The flow run did not finish within {TIMEOUT} seconds; its last state was {printed}")


def _errors(log_lines: list[Any]) -> str:
    return "\n".join(line.message for line in log_lines if line.level in ("ERROR", "CRITICAL"))


# --- step 5: the results ---------------------------------------------------------------------------


def _check_logs(progress: Progress, log_lines: list[Any]) -> None:
    """Check that the log records of Prefect, Kedro and the project's four pipelines are in the API."""
    for start in (
        "prefect",
        "kedro",
        *(f"flights.pipelines.{p}" for p in ("ingest", "delays", "model", "report")),
    ):
        count = sum(line.name.startswith(start) for line in log_lines)
        if not count:
            raise DemoError(f"No log records of {start} are in the API.")
        progress.say(f"{count:4} log records of {start} are in the API")


def _check_outputs(
    progress: Progress, project: Path, newer_than: float, compare_since: float = 0
) -> list[Path]:
    """Check that the flow run wrote the same files as the plain run, byte for byte; return them.

    Files from before `compare_since` are those of other flows, which were run before this demo.
    """
    plain, deployed = (_newest_files(project / "data" / env, compare_since) for env in ("local", "deploy"))
    if not plain or set(plain) != set(deployed):
        raise DemoError(f"The two runs wrote different files: {sorted(set(plain) ^ set(deployed))}")
    for name, path in deployed.items():
        if path.stat().st_mtime < newer_than:
            raise DemoError(f"The flow run did not write {path}.")
        if path.read_bytes() != plain[name].read_bytes():
            raise DemoError(f"{path} differs from {plain[name]}.")
    progress.say(
        f"{len(deployed):4} outputs of the flow run are identical, byte for byte, to those of `kedro run`"
    )
    return sorted(deployed.values())


def _newest_files(folder: Path, since: float) -> dict[str, Path]:
    """Return the files in `folder` by name; for a versioned dataset (`name/version/name`), the newest one."""
    files = sorted(
        (path for path in folder.rglob("*") if path.is_file() and path.stat().st_mtime >= since),
        key=lambda path: path.stat().st_mtime,
    )
    return {path.name: path for path in files}


def _print_next_steps(project: Path, files: list[Path], logs: Path) -> None:
    def short(path: Path) -> str:
        near = os.path.relpath(path)
        return str(path) if near.startswith("..") else near

    report = next(path for path in files if path.name == "report.md")
    prefect_yml = EXAMPLES.parent / "conf_example" / "base" / "prefect.yml"
    print(
        f"""
The demo was successful: the flows of a Kedro project are registered with Prefect, an agent has run one of
them, and its outputs are those of `kedro run`.

  Report       {short(report)} (with two plots in the same folder)
  All outputs  {short(project / "data" / "deploy")}
  Logs         {short(logs)}

Try next, in {short(project)} (with {Path(sys.executable).parent} on the PATH):

  kedro prefect up --env deploy
        start the API, its web page and an agent; the page shows the flow run of this demo
  kedro prefect run flight-delays --env deploy --watch --param late_minutes=60
        in a second terminal: start another flow run, for flights that are an hour late
  kedro run --env deploy
        run it again: every flow is unchanged, and no version is created. Then change a retry or a schedule in
        {short(prefect_yml)} and run it once more
  kedro run --runner kedro_prefect_hooks.PrefectRunner
        run the nodes as Prefect tasks, without an API
"""
    )


if __name__ == "__main__":
    sys.exit(main())
