"""A project's flow runs as its agent executes them: each in a process of its own, which reports to an API.

A process per agent would take too long: the project's agent is made here, and what it does with a flow run
that is due is done step by step.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, List

from tests import prefect_api, processes
from tests.differential import projects
from tests.scenarios.project_factory import Project

SECONDS = 120
"""For the process of one flow run; it is killed after that."""

RUN = """
query($id: uuid!) {
    flow_run_by_pk(id: $id) {
        state state_message
        task_runs {state state_message task {name}}
        logs(order_by: {timestamp: asc}) {message}
    }
}
"""


class AgentSide:
    """The flow runs of one project.

    Args:
        project: its `prefect.yml` must name the API.
        url: the API.
        kedro: calls `kedro` with these arguments, in the project; returns the exit code.
        output: the file with what that prints.
    """

    def __init__(self, project: Project, url: str, kedro: Callable[[List[str]], int], output: Path) -> None:
        self.project = project
        self.url = url
        self.kedro = kedro
        self.output = output
        self.flow_run = ""
        self._registered = False

    def run(self, arguments: List[str]) -> int:
        """Create a flow run with `kedro prefect run` and execute it; return 0 for Success, else 1."""
        if not self._registered:
            code = self.kedro(["prefect", "register", "--env", "local"])
            if code:
                return code
            self._registered = True
        code = self.kedro(arguments)
        if code:
            return code
        self.flow_run = re.findall(r"^  id (\S+)$", self.output.read_text(encoding="utf-8"), re.M)[-1]
        return self._execute()

    def restart(self) -> int:
        """Restart the flow run, execute it again, and return the same."""
        from tests.restart.test_restart import restart

        restart(self.url, self.flow_run)
        return self._execute()

    def _execute(self) -> int:
        log = self._process()
        run = prefect_api.graphql(self.url, RUN, {"id": self.flow_run})["flow_run_by_pk"]
        print(log)
        for line in run["logs"]:
            print(line["message"])
        for task in run["task_runs"]:
            if task["state"] != "Success":
                print(f"task {task['task']['name']} is {task['state']}: {task['state_message']}")
        print(f"The flow run is {run['state']}: {run['state_message']}")
        return 0 if run["state"] == "Success" else 1

    def _process(self) -> str:
        """Start the process of the flow run, as the agent does, and wait for it; return what it printed."""
        from prefect.run_configs import LocalRun

        from kedro_prefect_hooks.agent.api_address import ApiAddress
        from kedro_prefect_hooks.agent.project_agent import make_agent, prefect_configured_for
        from kedro_prefect_hooks.config.models import PrefectConfig

        with prefect_configured_for(ApiAddress(self.url)):
            agent = make_agent(
                self.project.path,
                PrefectConfig(api=self.url, flows={projects.FLOW: {}}),
                package=self.project.package,
                source_dir=self.project.source.parent,
                cancel_on_exit=True,
                prepare=False,
                echo=print,
            )
            (flow_run,) = agent._get_flow_run_metadata([self.flow_run])
            agent._mark_flow_as_submitted(flow_run)
            run_config = agent._get_run_config(flow_run, LocalRun)
            environment = agent.populate_env_vars(flow_run, run_config=run_config)
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            process = processes.start(
                [sys.executable, "-m", "prefect", "execute", "flow-run"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                cwd=run_config.working_dir,
                start_new_session=True,
            )
            try:
                process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                print(f"The process of the flow run did not end within {SECONDS} seconds.")
            finally:
                processes.stop(process, group=True)
            output.seek(0)
            return output.read()


class Api:
    """An embedded Prefect API for all projects of this process, started when it is first needed."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()
        self._url: str | None = None

    @property
    def url(self) -> str:
        if self._url is None:
            from kedro_prefect_hooks.embedded.server import EmbeddedServer
            from kedro_prefect_hooks.embedded.settings import Settings

            # A flow run is restarted at once, where a person would take longer.
            server = EmbeddedServer(None, services=False, settings=Settings(submitted_lock=0))
            self._url = self._open.enter_context(server).url
        return self._url

    def close(self) -> None:
        self._open.close()
