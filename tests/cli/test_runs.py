"""`flows`, `runs`, `logs`, `cancel`, `restart` and `doctor`, on an API that serves a project."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple

import pytest
from click.testing import CliRunner

from kedro_prefect_hooks import cli as commands
from kedro_prefect_hooks.api import run_logs, run_restart
from kedro_prefect_hooks.api.client import Api
from kedro_prefect_hooks.api.flow_runs import FlowRuns
from kedro_prefect_hooks.api.http_transport import HttpTransport
from kedro_prefect_hooks.api.run_restart import restart
from kedro_prefect_hooks.api.run_search import find_run, list_flows, list_runs, newest_run
from kedro_prefect_hooks.cli import project_runs
from kedro_prefect_hooks.embedded.server import EmbeddedServer
from kedro_prefect_hooks.errors import KedroPrefectError
from tests import prefect_api
from tests.embedded.conftest import Caller, Seed
from tests.scenarios.project_factory import Project
from tests.scenarios.scenarios import chain

Kedro = Callable[..., Any]

LATER = "2050-01-01T00:00:00+00:00"


class Runs(NamedTuple):
    """Flow runs in an API: ids by what became of them."""

    url: str
    flow_runs: FlowRuns
    seed: Seed
    failed: str
    done: str
    waiting: str


def seeded(url: str, project: str) -> Runs:
    seed = Seed(Caller(url))
    of_others = seed.flow(seed.project("others"), "chain")
    seed.run(of_others, flow_run_name="of others")
    old = seed.flow(seed.project(project), "chain", ["a", "b", "c"])
    failed = seed.run(old, flow_run_name="first")
    for state in ("Submitted", "Running"):
        seed.flow_state(failed, state)
    tasks = seed.task_runs(failed)
    for slug, state in [("a", "Success"), ("b", "Failed"), ("c", "TriggerFailed")]:
        seed.task_state(tasks[slug], "Running")
        seed.task_state(tasks[slug], state)
    lines = [{"flow_run_id": failed, "message": f"line {number}", "level": "INFO"} for number in range(7)]
    lines.append({"flow_run_id": failed, "message": "it broke\nin two lines", "level": "ERROR"})
    # All of one batch at the same moment, as when a node prints much.
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    seed.api.do("write_run_logs", {"logs": [{**line, "timestamp": now} for line in lines]})
    seed.flow_state(failed, "Failed")
    schedule = {
        "clocks": [{"type": "CronClock", "cron": "0 6 * * *", "start_date": None, "end_date": None}],
        "type": "Schedule",
    }
    current = seed.flow(seed.project_id(project), "chain", ["a", "b", "c"], schedule=schedule)
    done = seed.run(current, flow_run_name="second")
    for state in ("Submitted", "Running", "Success"):
        seed.flow_state(done, state)
    waiting = seed.run(current, flow_run_name="later", scheduled_start_time=LATER)
    transport = HttpTransport(url, 30, api_key=None, tenant_id=None, hint="")
    api = Api(transport, url, lambda *_: None)
    return Runs(url, FlowRuns(api, project), seed, failed, done, waiting)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    with EmbeddedServer(tmp_path / "api.sqlite", services=False) as server:
        yield seeded(server.url, "p")


def test_runs_are_found_and_restarted(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    found = runs.flow_runs
    assert [run.name for run in list_runs(found, limit=9)] == ["second", "first"]
    assert [run.name for run in list_runs(found, limit=1)] == ["second"]
    assert list_runs(found, states=["Scheduled"], limit=1)[0].name == "later"
    assert list_runs(found, flows=["other"], limit=9) == []
    assert list_runs(found, since=datetime.datetime(2049, 1, 1, tzinfo=datetime.timezone.utc), limit=9) == []
    assert newest_run(found).name == "second"

    for text in (
        "first",
        runs.failed,
        runs.failed[:-1],
        runs.failed[:-9].upper(),
        runs.failed.replace("-", ""),
    ):
        assert find_run(found, text).id == runs.failed
    for text in ("fist", "ffff0000", "%", runs.failed[:3], f"{runs.failed}0"):
        with pytest.raises(KedroPrefectError, match=f"There is no flow run '{text}' in Prefect project 'p'"):
            find_run(found, text)
    with pytest.raises(KedroPrefectError, match="Did you mean 'first'"):
        find_run(found, "fist")
    with pytest.raises(KedroPrefectError, match="There is no flow run 'of others'"):
        find_run(found, "of others")
    runs.seed.run(runs.seed.flow_of(runs.done), flow_run_name="first")
    with pytest.raises(KedroPrefectError, match=rf"'first' stands for 2 flow runs(.|\n)*{runs.failed}"):
        find_run(found, "first")

    flow = list_flows(found)[0]
    assert (flow.name, flow.version, flow.last_state, flow.is_active) == ("chain", 2, "Success", True)
    assert flow.next is not None and flow.next.hour == 6

    monkeypatch.setattr(run_logs, "PAGE", 3)
    texts = [event.text for event in run_logs.events_so_far(found, runs.failed)]
    assert sorted(text for text in texts if text.startswith("line")) == [f"line {n}" for n in range(7)]
    assert len(texts) == 12  # with four states
    assert texts[0].startswith("Scheduled") and texts[-1].startswith("Failed")

    for run_id, reason in [(runs.done, "nothing of it is left to do"), (runs.waiting, "only a finished")]:
        with pytest.raises(KedroPrefectError, match=reason):
            restart(found, find_run(found, run_id))
    assert restart(found, find_run(found, runs.failed)) == 2
    answer = runs.seed.api.data(
        f'{{ flow_run_by_pk(id: "{runs.failed}") {{ state task_runs {{ state task {{ slug }} }} }} }}'
    )["flow_run_by_pk"]
    assert answer["state"] == "Scheduled"
    states = {each["task"]["slug"]: each["state"] for each in answer["task_runs"]}
    assert states == {"a": "Success", "b": "Pending", "c": "Pending"}


def test_the_commands_print_what_the_api_has(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def opened(env: str | None) -> Iterator[FlowRuns]:
        yield runs.flow_runs

    # Not a process for each command.
    monkeypatch.setattr(project_runs, "project_runs", opened)

    def prefect(*arguments: str, exits: int = 0) -> str:
        result = CliRunner().invoke(commands.prefect, arguments)
        assert result.exit_code == exits, result.output
        assert "\x1b" not in result.output
        return str(result.output)

    listed = prefect("runs")
    assert re.search(rf"second +chain +Success +{TIME}  +\d\.\d\d s  {runs.done}\n", listed), listed
    assert re.search(rf"first +chain +Failed +{TIME}  +\d\.\d\d s  {runs.failed}\n", listed)
    assert "later" not in listed and "of others" not in listed
    waiting = prefect("runs", "--state", "scheduled")
    assert re.search(rf"later +chain +Scheduled +due {TIME}  +-  {runs.waiting}\n", waiting)
    assert "Only the latest 1" in prefect("runs", "--limit", "1")
    shown = json.loads(prefect("runs", "--flow", "chain", "--since", "1d", "--json"))
    assert [run["state"] for run in shown] == ["Success", "Failed"]
    assert "No flow runs of that kind in Prefect project 'p'" in prefect("runs", "--flow", "x")
    assert "Did you mean 'Failed'?" in prefect("runs", "--state", "Fail", exits=2)
    assert "expected a duration" in prefect("runs", "--since", "ever", exits=2)

    flows = prefect("flows")
    assert re.search(rf"chain +2  every day at 06:00 \(UTC\)  {TIME}  {TIME}  Success", flows), flows
    assert json.loads(prefect("flows", "--json"))[0]["last_state"] == "Success"

    printed = prefect("logs", "first")
    assert len(re.findall(r"\d\d:\d\d:\d\d  INFO      line \d\n", printed)) == 7
    assert re.search(r"ERROR     it broke\n {20}in two lines\n", printed)
    assert "Flow run 'second' of 'chain'" in prefect("logs")
    errors = prefect("logs", runs.failed[:-1], "--level", "warning")
    assert "line 1" not in errors and "STATE     Failed" in errors
    followed = prefect("logs", "first", "--follow", exits=1)
    assert followed.startswith(printed) and "ended in Failed" in followed
    assert followed.endswith("To restart it where it failed: kedro prefect restart first\n")
    monkeypatch.setattr(runs.flow_runs.api, "is_served", False)
    assert "The embedded API is not running" in prefect("logs", "later", "--follow", exits=1)
    assert "The embedded API is not running" in prefect("restart", "first", "--watch", exits=1)
    monkeypatch.setattr(runs.flow_runs.api, "is_served", True)

    assert "flow run 'later' of 'chain' is Cancelled.\n" in prefect("cancel", "later")
    assert "has ended in Success" in prefect("cancel", "second", exits=1)
    restarted = prefect("restart", "first")
    assert "Restarted flow run 'first' of 'chain': 2 tasks will run again." in restarted
    assert "Next: kedro prefect agent" in restarted

    def finish(*arguments: Any) -> int:
        count = restart(*arguments)
        for state in ("Running", "Success"):
            runs.seed.flow_state(runs.failed, state)
        return count

    runs.seed.flow_state(runs.failed, "Failed")
    monkeypatch.setattr(run_restart, "restart", finish)
    watched = prefect("restart", "first", "--watch")
    assert "STATE     Running" in watched and "ended in Success" in watched
    assert "line 1" not in watched and "it broke" not in watched and "STATE     Failed" not in watched


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return chain(tmp_path / "project", 2, prefect={"flows": {"chain": {}}})


def test_projects_and_agents_of_other_tenants_are_left_alone(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "api.sqlite", services=False) as server:
        ours = seeded(server.url, "p").flow_runs
        seed = Seed(Caller(server.url))
        theirs = prefect_api.add_tenant(tmp_path / "api.sqlite", "p")
        of_others = seed.run(seed.flow(theirs["project"], "chain"), flow_run_name="of another tenant")
        seed.flow_state(of_others, "Submitted")
        seed.flow_state(of_others, "Running")
        agent = {"name": "theirs", "type": "LocalAgent", "labels": []}
        for tenant in (theirs["tenant"], seed.tenant_id):
            registered = seed.api.do("register_agent", {**agent, "tenant_id": tenant}, "id")
            queue = {"tenant_id": tenant, "before": LATER}
            seed.api.do("get_runs_in_queue", queue, "flow_run_ids", x_prefect_agent_id=registered)
            agent["name"] = "ours"
        assert [run.name for run in list_runs(ours, limit=9)] == ["second", "first"]
        assert newest_run(ours).name == "second"
        assert [flow.version for flow in list_flows(ours)] == [2]
        assert [name for name, _ in ours.running_agents()] == ["ours"]
        with pytest.raises(KedroPrefectError, match="There is no flow run 'of another tenant'"):
            find_run(ours, "of another tenant")
        configured = Api(ours.api.transport, server.url, lambda *_: None, tenant_id=theirs["tenant"])
        as_others = FlowRuns(configured, "p")
        assert [run.name for run in list_runs(as_others, limit=9)] == ["of another tenant"]
        assert [flow.version for flow in list_flows(as_others)] == [1]
        assert [name for name, _ in as_others.running_agents()] == ["theirs"]
        no_project = FlowRuns(configured, "none")
        assert list_runs(no_project, limit=9) == list_flows(no_project) == []


def test_the_commands_open_the_api_of_the_project(project: Project, kedro: Kedro) -> None:
    empty = kedro(project, "prefect", "runs", ok=True).stdout
    assert f"No flow runs in Prefect project '{project.package}' (embedded, {project.path}" in empty
    with prefect_api.api(project, services=False) as url:
        seeded(url, project.package)
        output = kedro(project, "prefect", "flows", "--json", ok=True).stdout
    # Standard error, which is in the same file, comes first.
    assert json.loads(output[output.index("[\n") :])[0]["name"] == "chain"


TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d"


def test_the_doctor_names_what_is_wrong(project: Project, kedro: Kedro, tmp_path: Path) -> None:
    def doctor(exits: int, **env: str) -> str:
        result = kedro(project, "prefect", "doctor", env=env)
        assert result.returncode == exits, result.stdout
        return str(result.stdout)

    well = doctor(0, KEDRO_PREFECT_DISABLE="1", PREFECT__CLOUD__API_KEY="secret-value")
    for text in (
        r"ok       Python 3\.\d+\.\d+ on \w+, kedro-prefect-hooks \S+, kedro \S+, prefect 1\.1\.0, pydantic ",
        r"note     Environment variables that are set: KEDRO_PREFECT_DISABLE, PREFECT__CLOUD__API_KEY\n",
        r"note     KEDRO_PREFECT_DISABLE is set: runs register nothing\.",
        r"ok       Environment deploy: reads conf/base and conf/deploy",
        r"ok       PrefectHooks is in HOOKS of settings\.py; .*`kedro run --env deploy`",
        r"ok       prefect\.yml declares 1 flow: chain\n",
        r"note     The embedded API is not running",
        r"note     Flows in Prefect project '\w+': new: chain\. To register them: kedro prefect register\n",
        r"No problems\.\n",
    ):
        assert re.search(text, well), f"{text}\n{well}"
    assert "secret-value" not in well

    with prefect_api.api(project, services=False):
        assert "note     Nobody runs flow chain: No agent is running." in doctor(0)

    project.write_conf("base", "prefect", {"api": "http://127.0.0.1:9", "flows": {"chain": {}}})
    assert "problem  The Prefect API at http://127.0.0.1:9 is unreachable" in doctor(1)
    project.write_conf("base", "prefect", {"flows": {"chain": {"pipelines": "x"}}})
    wrong = doctor(1)
    assert re.search(r"problem  .*pipelines", wrong)
    assert "1 problem." in wrong
