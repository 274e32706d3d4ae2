"""The Kedro project of the tests of places: a pipeline that needs secrets, and jams when it is told to."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.scenarios.project_factory import KEDRO, Project, make_project

NODES = """
import os
import time
from pathlib import Path

from prefect.client import Secret


def pick(rows):
    return list(range(rows))


def weigh(baskets):
    if Path(f"data/jam-{os.environ['KEDRO_PREFECT_FLOW']}").exists():
        raise ValueError("the press is jammed")
    return sum(baskets)


def press(total):
    # the first has been given to the agent, the second to Prefect: neither is in the image
    assert len(os.environ["API_TOKEN"]) == 19
    assert len(Secret("API_TOKEN").get()) == 21
    return {"total": total, "user": os.getuid()}


def wait(rows):
    Path("data/waiting").touch()
    time.sleep(3600)


def go_on(rows):
    Path("data/going-on").touch()
    while not Path("data/enough").exists():
        time.sleep(0.1)
"""

BARREL = """
import os

from orders.datasets import JsonDataset


class Barrel(JsonDataset):
    # A file for each flow, which only those who have the password write.

    def __init__(self, filepath, credentials):
        super().__init__(filepath.replace("FLOW", os.environ.get("KEDRO_PREFECT_FLOW", "none")))
        self._lengths = [len(credentials[name]) for name in ("user", "password")]

    def _save(self, data):
        assert self._lengths == [10, 20]
        super()._save(data)
"""

PIPELINES = """
from kedro.pipeline import node, pipeline

from orders.nodes import go_on, pick, press, wait, weigh


def register_pipelines():
    steps = [
        node(pick, "params:rows", "baskets", name="pick"),
        node(weigh, "baskets", "total", name="weigh"),
        node(press, "total", "juice", name="press"),
    ]
    return {{
        "__default__": pipeline(steps),
        "wait": pipeline([node(wait, "params:rows", None, name="wait")]),
        "go_on": pipeline([node(go_on, "params:rows", None, name="go_on")]),
        "stale": pipeline(steps[:{stale}]),
    }}
"""

SECRETS = {
    "WAREHOUSE_USER": "user-90d2c",
    "WAREHOUSE_PASSWORD": "warehouse-secret-42b",
    "AWS_ACCESS_KEY_ID": "AKIAPLACES000000000A",
    "AWS_SECRET_ACCESS_KEY": "aws-secret-77c1b2",
    "API_TOKEN": "press-secret-5d0f9a",
    "PREFECT__CONTEXT__SECRETS__API_TOKEN": "orchard-secret-19b6cc",
    "HOOK_KEY": "hook-secret-a83e41",
}
GIT_TOKEN = "git-secret-e52d08"


def make(folder: Path) -> Project:
    """The project before anything of this package has been added to it."""
    project = make_project(
        folder,
        pipelines=PIPELINES.format(stale=2),
        package="orders",
        files={"nodes.py": NODES, "barrel.py": BARREL},
        catalog={
            "juice": {
                "type": "orders.barrel.Barrel",
                "filepath": "data/FLOW.json",
                "credentials": "warehouse",
            }
        },
        parameters={"rows": 5},
        prefect_hooks=False,
    )
    shutil.rmtree(str(project.path / "conf" / "deploy"))
    project.data.chmod(0o777)  # the user in the container is another one
    kedro = ".".join(map(str, KEDRO))
    needed = ["kedro-prefect-hooks[embedded]", "boto3", "dulwich", "google-cloud-storage"]
    project.write("requirements.txt", "\n".join([f"kedro=={kedro}", *needed, ""]))
    return project


def change(project: Project) -> None:
    """Give the pipeline `stale` a node, and the flow `threads` retries, that the image does not have."""
    project.write(f"src/{project.package}/pipeline_registry.py", PIPELINES.format(stale=3))
    declared = project.path / "conf" / "base" / "prefect.yml"
    text = declared.read_text()
    assert "\n  threads:\n" in text
    declared.write_text(text.replace("\n  threads:\n", "\n  threads:\n    retries: {max_retries: 3}\n"))
