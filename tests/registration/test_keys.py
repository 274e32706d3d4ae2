"""The key by which a flow is unchanged depends on what is sent to Prefect, and on nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import prefect
import pytest
from prefect.run_configs import UniversalRun
from prefect.storage import Local

from kedro_prefect_hooks.api.key import Key, digest_of, owner_of, parse_key
from kedro_prefect_hooks.registration.wanted import Wanted, wanted_flow
from tests.registration.conftest import Site
from tests.scenarios.project_factory import clean_environment

DIGESTS = """
import sys
from pathlib import Path
from kedro.framework.startup import bootstrap_project
from kedro_prefect_hooks.compat import kedro_session
from kedro_prefect_hooks.flows.project_flows import ProjectFlows
from kedro_prefect_hooks.registration.wanted import wanted_flows

project = Path(sys.argv[1])
bootstrap_project(project)
flows = ProjectFlows(kedro_session.open_session(project, None, None, None, None).load_context())
print(*(flow.digest for flow in wanted_flows(flows)))
"""


def test_digest_is_the_same_for_every_hash_seed(site: Site) -> None:
    site.configure(
        flows={
            "all": {"parameters": ["model.test_size", "model.depth"], "labels": ["b", "a", "c"]},
            "grouped": {"group_by": "memory", "schedule": {"cron": "0 6 * * *"}},
        }
    )
    home = site.project.path / "home"
    home.mkdir()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", DIGESTS, str(site.project.path)],
            env=clean_environment(home, PYTHONHASHSEED=str(seed)),
            stdout=subprocess.PIPE,
        )
        for seed in range(4)
    ]
    found = [process.communicate(timeout=120)[0].split(b"\n")[-2] for process in started]
    assert len(found[0]) == 64 + 1 + 64
    assert found == [found[0]] * 4


def test_digest_does_not_depend_on_where_a_flow_is_stored(tmp_path: Path) -> None:
    def wanted() -> Wanted:
        flow = prefect.Flow("f", tasks=[prefect.Task("t")], run_config=UniversalRun())
        flow.storage = Local(directory=str(tmp_path))
        return wanted_flow(flow, "a/b")

    one, two = wanted(), wanted()
    assert one.digest == two.digest
    places = [each.built_content()["storage"]["flows"]["f"] for each in (one, two)]
    assert all(Path(place).is_file() for place in places)
    assert one.digest == two.digest


def test_a_flow_stored_in_a_file_is_registered_and_then_unchanged(site: Site, tmp_path: Path) -> None:
    site.flow(storage={"type": "Local", "directory": str(tmp_path / "flows")})
    site.register()
    live = site.live()[0]
    assert os.path.isfile(live["serialized_flow"]["storage"]["flows"]["flights"])  # noqa: PTH113
    assert live["run_config"]["labels"], "the machine's name, as Prefect adds it"
    assert site.line().action == "unchanged"
    site.flow(labels=["etl"])
    assert [change.what for change in site.line().changes] == ["labels"]


def test_order_of_dictionaries_does_not_matter() -> None:
    assert digest_of({"a": 1, "b": {"c": 2, "d": 3}}) == digest_of({"b": {"d": 3, "c": 2}, "a": 1})


@pytest.mark.parametrize(
    "key",
    [
        Key("flights/deploy", "00ff", 3, 2),
        Key("flights/deploy", "00ff", 3, 2, starts=True),
        Key("flights/deploy", "00ff", 3, 2, starts=True, again=7),
    ],
)
def test_keys_are_parsed_back(key: Key) -> None:
    assert parse_key(str(key)) == key


@pytest.mark.parametrize(
    "text", [None, "", "k1", "kedro-prefect/1", "kedro-prefect/2:a/b:00:1+1:starts", "9" * 64]
)
def test_other_keys_are_not_parsed(text: str | None) -> None:
    assert parse_key(text) is None


def test_any_owner_fits_into_a_key() -> None:
    assert owner_of("flights", None) == "flights/local"
    odd = Key(owner_of("my flights:x", "prod:eu"), "00", 1, 0)
    assert parse_key(str(odd)) == odd
