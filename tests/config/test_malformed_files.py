"""Whatever is wrong with `prefect.yml`, one message names the place and the remedy, and nothing is sent.

The files are in `malformed.txt`. Each is registered as `kedro run --env deploy` would, in this process.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Iterator, NamedTuple

import pytest
from kedro.pipeline import Pipeline, node
from prefect.executors import LocalExecutor

from kedro_prefect_hooks import hooks
from kedro_prefect_hooks.compat import kedro_project
from kedro_prefect_hooks.errors import ConfigError
from tests.config.conftest import CONFIG_LOADERS, OMEGA

pytestmark = pytest.mark.skipif(OMEGA not in CONFIG_LOADERS, reason="the files have interpolations")

FILE = "conf/base/prefect.yml"


class Case(NamedTuple):
    files: dict[str, str]
    place: str
    says: list[str]


def cases() -> Iterator[tuple[str, Case]]:
    text = (Path(__file__).parent / "malformed.txt").read_text(encoding="utf-8")
    for block in text.split("\n### ")[1:]:
        name, _, rest = block.partition("\n")
        content, _, expected = rest.partition("\n--> ")
        files = {}
        for part in f"=== {FILE}\n{content}".split("=== ")[1:]:
            path, _, written = part.partition("\n")
            files[path] = written if written.endswith("\n") else f"{written}\n"
        place, *says = expected.strip().split("\n")
        yield name, Case(files, place, says)


CASES = dict(cases())


def one_argument(flow: Any) -> None:
    """A state handler that Prefect cannot call."""


def required_name(flow: Any, old: Any, new: Any, *, channel: str) -> None:
    """Another."""


async def coroutine(flow: Any, old: Any, new: Any) -> None:
    """Another, whose result nothing awaits."""


def generator(flow: Any, old: Any, new: Any) -> Iterator[Any]:
    """Another."""
    yield new


class ExitingExecutor(LocalExecutor):
    """A class of the user's own that ends the process."""

    def __init__(self) -> None:
        raise SystemExit(4)


class FailingExecutor(LocalExecutor):
    """A class of the user's own that fails."""

    def __init__(self) -> None:
        raise RuntimeError("not on a Sunday")


def identity(value: Any) -> Any:
    return value


def make_pipelines() -> dict[str, Pipeline]:
    nodes = [
        node(identity, "flights", "clean_flights", name="clean", tags=["ingest", "part.a"]),
        node(identity, "clean_flights", "joined", name="join", tags=["part.b", "two.a", "two.b"]),
        node(identity, "joined", "model", name="train", tags=["part.a"]),
    ]
    return {"__default__": Pipeline(nodes), "other": Pipeline(nodes[:1])}


Register = Callable[[dict], Path]  # type: ignore[type-arg]


@pytest.fixture
def register(
    tmp_path: Path, loader_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Register]:
    """`register({"conf/base/prefect.yml": "…"})` does what the hook does; returns the API's database."""
    connected: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    monkeypatch.setattr(kedro_project, "all_pipelines", make_pipelines)
    monkeypatch.setattr(hooks.terminal, "echo_quietly", lambda _: None)

    def run(files: dict[str, str]) -> Path:
        common = {
            "conf/base/globals.yml": "delay: 5m\n",
            "conf/base/parameters.yml": "threshold: 1\ndotted.name: 5\nmodel: {test_size: 0.2}\n",
            "conf/base/catalog.yml": "flights: {type: pickle.PickleDataset, filepath: flights.pkl}\n",
            "conf/deploy/catalog.yml": "{}\n",
        }
        for name, text in {**common, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        loader = loader_of(tmp_path / "conf", "deploy")
        context: Any = SimpleNamespace(config_loader=loader, project_path=tmp_path, env="deploy")
        hooks._register(context)
        return tmp_path / ".kedro_prefect" / "api.sqlite"

    yield run
    assert not connected


def test_a_right_file_is_registered(register: Register) -> None:
    assert register({FILE: "flows: {a: }\n"}).is_file()


def test_there_are_enough_files() -> None:
    assert len(CASES) >= 120


@pytest.mark.parametrize("name", CASES)
def test_one_message_with_its_place_and_nothing_sent(name: str, register: Register, tmp_path: Path) -> None:
    case = CASES[name]
    with pytest.raises(ConfigError) as raised:
        register(case.files)
    message = str(raised.value)
    assert not (tmp_path / ".kedro_prefect").exists(), "something was sent"
    file = case.place if case.place.startswith("conf/") else FILE
    assert file.split(",")[0].split(":")[0] in message.splitlines()[0], message
    assert case.place in message, message
    for said in case.says:
        assert any(each in message for each in said.split("|")), f"{said!r} is not in: {message}"
    assert str(tmp_path) not in message
    assert "Traceback" not in message and "pydantic" not in message
    assert "XXXX" not in message, "the value of a secret is repeated"
    assert_no_proposal_of_what_was_written(message)


def assert_no_proposal_of_what_was_written(message: str) -> None:
    for found, proposed in re.findall(r"unknown [\w ]+ '([^']*)'\. Did you mean '([^']*)'", message):
        assert found != proposed, message
