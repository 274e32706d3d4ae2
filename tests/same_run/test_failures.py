"""Whatever a node raises is a failure with its cause, on every executor, and only that node's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable

from tests.same_run.conftest import FLOWS, nodes_project, on, said
from tests.scenarios.project_factory import collect_outputs, hook_calls

SOURCE = """
from prefect.engine import signals


class Unpicklable(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.held = (piece for piece in text)


class Unreadable(Exception):
    # pickled without its second argument, so it cannot be made again
    def __init__(self, text, number):
        super().__init__(text)


def fail_signal():
    raise signals.FAIL("the data is bad")


def skip_signal():
    raise signals.SKIP("not today")


def retry_signal():
    tries = PROJECT / "data" / "tries.txt"
    with tries.open("a") as file:
        file.write("x")
    if len(tries.read_text()) < 2:
        raise signals.RETRY("again, please")
    return len(tries.read_text())


def exit_3():
    sys.exit(3)


def exit_0():
    sys.exit(0)


def interrupted():
    raise KeyboardInterrupt


def unpicklable():
    raise Unpicklable("cannot be pickled")


def unreadable():
    raise Unreadable("cannot be read", 7)


class Cancelled(BaseException):
    # as asyncio's CancelledError, which a node may let through
    pass


def cancelled():
    raise Cancelled("by a library")


def success_signal():
    raise signals.SUCCESS("nothing to do", result=5)


def plain():
    raise ValueError("plain")


ALL = [fail_signal, skip_signal, retry_signal, exit_3, exit_0, interrupted, unpicklable, unreadable]
ALL += [cancelled, success_signal, plain]
NODES = [node(each, None, each.__name__ + "_out", name=each.__name__) for each in ALL]
"""
STATES = {
    "fail_signal": "Failed",
    "skip_signal": "Skipped",
    "retry_signal": "Success",
    "exit_3": "Failed",
    "exit_0": "Failed",
    "interrupted": "Failed",
    "unpicklable": "Failed",
    "unreadable": "Failed",
    "cancelled": "Failed",
    "success_signal": "Failed",
    "plain": "Failed",
}


def rows(output: str) -> dict[str, str]:
    """State by task, from the table that the command prints at the end."""
    table = output.rpartition("TASK")[-1]
    return dict(re.findall(r"^  (\w+) +([A-Z]\w+) ", table, re.M))


@on(*FLOWS)
def test_each_node_ends_in_its_own_state(tmp_path: Path, start: Callable[..., Any], executor: str) -> None:
    source = SOURCE if executor != "local" else SOURCE.replace("interrupted, ", "")  # there it is Ctrl+C
    project = nodes_project(tmp_path / "project", source)
    result = start(
        project,
        defaults={"nodes": {"retry_signal": {"max_retries": 2, "retry_delay": 1}}},
        env={"PREFECT__LOGGING__LEVEL": "ERROR"},
    )
    wanted = {name: state for name, state in STATES.items() if executor != "local" or name != "interrupted"}
    assert rows(result.stdout) == wanted, result.stdout
    assert result.returncode in (1, 3), "the code of a node that called sys.exit, never 0"
    assert collect_outputs(project)["tries.txt"] == "xx"
    text = said(result)
    for words in (
        "the data is bad",
        "Node 'exit_3' called sys.exit(3)",
        "Node 'exit_0' called sys.exit(0)",
        "Unpicklable",
        "cannot be pickled",
        "Unreadable",
        "cannot be read",
        "Cancelled: by a library",
        "Node 'success_signal' raised SUCCESS instead of returning its outputs",
        "ValueError('plain')",
    ):
        assert words in text, words
    if executor != "local":
        assert "Node 'interrupted' raised KeyboardInterrupt" in text
    assert len(hook_calls(project, "on_pipeline_error")) == 1


def check_exit_code(path: Path, start: Callable[..., Any], code: int) -> None:
    source = f"""
def leaves():
    sys.exit({code})


NODES = [node(leaves, None, "left", name="leaves"), node(same, "left", "end", name="end")]
"""
    project = nodes_project(path, source)
    result = start(project)
    assert result.returncode == (code or 1), result.stdout
    assert f"Node 'leaves' called sys.exit({code})." in said(result)
    (call,) = hook_calls(project, "on_pipeline_error")
    assert "NodeExited" in call["error"]
    assert [call["node"] for call in hook_calls(project, "before_node_run")] == ["leaves"]


@on("runner-local", "runner-processes", "runner-timeouts", "runner-dask", *FLOWS)
def test_the_exit_code_is_kept(tmp_path: Path, start: Callable[..., Any]) -> None:
    check_exit_code(tmp_path / "project", start, 3)


@on("runner-threads", "runner-dask", "flow-local", "flow-timeouts", "flow-processes")
def test_the_exit_code_is_never_0(tmp_path: Path, start: Callable[..., Any]) -> None:
    check_exit_code(tmp_path / "project", start, 0)


PAUSES = """
from prefect.engine import signals


def pauses():
    raise signals.PAUSE("wait for approval")


NODES = [node(pauses, None, "paused", name="pauses"), node(same, "paused", "end", name="after")]
"""


@on("flow-local", "flow-timeouts")
def test_a_paused_node_waits_and_nothing_after_it_runs(tmp_path: Path, start: Callable[..., Any]) -> None:
    project = nodes_project(tmp_path / "project", PAUSES)
    result = start(project)
    assert result.returncode == 1, "the flow run has not finished"
    assert rows(result.stdout) == {"pauses": "Paused", "after": "Pending"}
    assert [call["node"] for call in hook_calls(project, "before_node_run")] == ["pauses"]
    assert hook_calls(project, "after_pipeline_run", "on_pipeline_error") == [], "it can still be resumed"
