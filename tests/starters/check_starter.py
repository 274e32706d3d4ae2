"""One official starter of Kedro as its users have it: begun, installed with its own pins, run as a flow.

    python check_starter.py new FOLDER STARTER VERSION REPOSITORY    begin the project
    python check_starter.py run FOLDER/project                       run it both ways

Run by `make test-all CELLS="-s starters"` (see noxfile.py), with the Python in which everything is installed.
`run` compares what `kedro run` saves with what a flow run of an agent on the embedded API saves.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict

SAVED = ("02_intermediate", "03_primary", "04_feature", "05_model_input", "06_models", "07_model_output")


def kedro(project: Path, *arguments: str) -> None:
    """Run a command of the project; its output is this process's."""
    print(f"$ kedro {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", "kedro", *arguments], cwd=str(project), check=True)


def new(folder: Path, starter: str, version: str, repository: str) -> None:
    """Begin a project, as `kedro new` does with the answers in a file."""
    folder.mkdir(parents=True, exist_ok=True)
    answers = {
        "output_dir": str(folder),
        "project_name": "project",
        "repo_name": "project",
        "python_package": "project",
    }
    file = folder / "answers.yml"
    file.write_text(json.dumps(answers), encoding="utf-8")  # JSON is YAML
    # Kedro's own way to clone differs between versions in the addresses that it accepts.
    clone = ["git", "clone", "--quiet", "--depth", "1", "--branch", version, repository, "starters"]
    subprocess.run(clone, cwd=str(folder), check=True)
    kedro(folder, "new", "--starter", "starters", "--directory", starter, "--config", str(file))
    # kedro-telemetry would ask.
    (folder / "project" / ".telemetry").write_text("consent: false\n", encoding="utf-8")


def run(project: Path) -> None:
    """Run the project with Kedro, then as a flow, and compare."""
    if find_spec("kedro_mlflow") is not None:
        kedro(project, "mlflow", "init", "--env", "base")  # flows do not read conf/local
    kedro(project, "prefect", "init")
    kedro(project, "run")
    expected = saved(project)
    assert expected, "kedro run has saved nothing"
    for folder in SAVED:
        shutil.rmtree(str(project / "data" / folder), ignore_errors=True)
        (project / "data" / folder).mkdir(parents=True)
    kedro(project, "prefect", "register")
    up = subprocess.Popen([sys.executable, "-m", "kedro", "prefect", "up"], cwd=str(project))
    try:
        wait_for(project / ".kedro_prefect")
        flow = next(iter(flows(project)))
        kedro(project, "prefect", "run", flow, "--watch")
    finally:
        up.terminate()
        up.wait(60)
    found = saved(project)
    assert set(found) == set(expected), f"{sorted(found)} is not {sorted(expected)}"
    for name, value in expected.items():
        assert same(found[name], value), f"{name} is not what kedro run has saved"
    print(f"The same as kedro run: {', '.join(sorted(found))}")


def flows(project: Path) -> Dict[str, Any]:
    """The flows of the `prefect.yml` that `kedro prefect init` has written."""
    import yaml

    (file,) = (project / "conf").rglob("prefect.yml")
    content: Dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return dict(content["flows"])


def wait_for(folder: Path) -> None:
    """Wait until the embedded API has written where it is."""
    end = time.monotonic() + 120
    while not any(folder.glob("*.json")):
        assert time.monotonic() < end, "the embedded API has not started"
        time.sleep(0.2)


def saved(project: Path) -> Dict[str, Any]:
    """What the project has saved, by path; of a versioned file the newest version."""
    found: Dict[str, Any] = {}
    for folder in SAVED:
        for file in sorted((project / "data" / folder).rglob("*")):
            if file.is_file() and file.name != ".gitkeep":
                is_version = re.match(r"\d{4}-\d{2}-\d{2}T", file.parent.name)
                path = file.parent.parent if is_version else file
                found[path.relative_to(project / "data").as_posix()] = read(file)
    return found


def read(file: Path) -> Any:
    import pandas

    if file.suffix in (".parquet", ".pq"):
        return pandas.read_parquet(file)
    if file.suffix in (".pickle", ".pkl"):
        return vars(pickle.loads(file.read_bytes()))
    return file.read_bytes()


def same(one: Any, other: Any) -> bool:
    """Whether two values of files are equal."""
    import numpy
    import pandas

    if isinstance(one, pandas.DataFrame):
        return bool(one.equals(other))
    if isinstance(one, dict):
        return set(one) == set(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, numpy.ndarray):
        return bool(numpy.array_equal(one, other))
    return bool(one == other)


if __name__ == "__main__":
    # MLflow 3 refuses kedro-mlflow's default folder otherwise.
    os.environ.update(DO_NOT_TRACK="1", KEDRO_DISABLE_TELEMETRY="1", MLFLOW_ALLOW_FILE_STORE="true")
    if sys.argv[1] == "new":
        new(Path(sys.argv[2]).resolve(), *sys.argv[3:])
    else:
        run(Path(sys.argv[2]).resolve())
