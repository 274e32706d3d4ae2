"""`prefect execute flow-run`, started in less time: `python -m kedro_prefect_hooks.agent.execute_flow_run`.

The command line of Prefect imports all of its commands for this one, and Python's garbage collector goes
through what is being imported: together 0.2 s of the second that a flow run takes to start. What is executed
is Prefect's own function, from the file that has it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from kedro_prefect_hooks.garbage import no_collection


def main() -> None:
    """Run the flow run that the environment names, as an agent's process does."""
    with no_collection():
        command = _command()
    command.main(args=[], prog_name="prefect execute flow-run")


def _command() -> Any:
    import prefect

    file = Path(prefect.__file__).parent / "cli" / "execute.py"
    spec = importlib.util.spec_from_file_location("prefect_cli_execute", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.flow_run


if __name__ == "__main__":
    main()
