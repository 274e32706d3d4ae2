"""A `prefect.yml` that cannot be read: one message for commands, nothing for a plain `kedro run`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Callable

import pytest

from kedro_prefect_hooks.config import listed_environments, load_config
from kedro_prefect_hooks.errors import ConfigError
from tests.config.conftest import CONFIG_LOADERS

Conf = Callable[..., Path]
LoaderOf = Callable[..., Any]

ALIASES = "".join(
    f"_{name}: &{name} [{', '.join([f'*{before}' if before else 'x'] * 10)}]\n"
    for before, name in zip(["", *"abcdefghijkl"], "abcdefghijklm")
)
CONTENTS: dict[str, tuple[bytes, str]] = {
    "nested": (
        b"flows:\n  a: {description: " + b"[" * 400 + b"]" * 400 + b"}\n",
        "line 2: found more than 100 levels",
    ),
    "absurdly nested": (b"flows:\n " + b"[" * 200_000, "line 2: found more than 100 levels"),
    "nested mappings": (b"flows: " + b"{a: " * 3000 + b"}" * 3000, "line 1: found more than 100 levels"),
    "another encoding": (
        "flows:\n  größe: \n".encode("latin-1"),
        "line 2: found the byte 0xf6, expected UTF-8",
    ),
    "zero bytes": (b"flows:\n  a\x00: \n", "not valid YAML"),
    "recursive": (b"flows: &f\n  a: *f\n", "an alias inside the value that it stands for"),
    "aliases of aliases": (
        f"{ALIASES}register: {{environments: *m}}\n".encode(),
        "aliases that expand to more than 1,000,000 values",
    ),
    "interpolated": (b"register: {environments: ['${oc.env:HOME}']}\nflows: {a: }\n", "Kedro resolves it in"),
}


@pytest.mark.parametrize("name", CONFIG_LOADERS)
@pytest.mark.parametrize(("content", "says"), CONTENTS.values(), ids=CONTENTS)
def test_a_plain_run_is_not_hurt_and_a_command_says_why(
    conf: Conf, loader_of: LoaderOf, name: str, content: bytes, says: str
) -> None:
    if b"${" in content and name != "OmegaConfigLoader":
        pytest.skip("other loaders do not interpolate")
    source = conf({})
    (source / "base" / "prefect.yml").write_bytes(content)
    begun = time.monotonic()
    assert listed_environments(loader_of(source, "local", name)) == ("deploy",)
    with pytest.raises(ConfigError) as raised:
        load_config(loader_of(source, "deploy", name))
    assert time.monotonic() - begun < 60, "aliases were expanded"
    assert str(raised.value).startswith("conf/base/prefect.yml")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_may_not_be_read(
    conf: Conf, loader_of: LoaderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, who may read everything."""
    source = conf({"base/prefect.yml": "flows: {a: }\n"})

    def refuse(*_: Any, **__: Any) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(Path, "read_text", refuse)
    assert listed_environments(loader_of(source, "local")) == ("deploy",)
    with pytest.raises(ConfigError, match=r"^conf/base/prefect\.yml: cannot be read \(Permission denied\)"):
        load_config(loader_of(source))


def test_a_byte_order_mark_is_no_problem(conf: Conf, loader_of: LoaderOf) -> None:
    source = conf({})
    (source / "base" / "prefect.yml").write_bytes(b"\xef\xbb\xbfflows: {a: }\n")
    assert list(load_config(loader_of(source)).flows) == ["a"]


def test_a_loader_that_raises_anything(
    conf: Conf, loader_of: LoaderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = loader_of(conf({"base/prefect.yml": "register: [x]\nflows: {a: }\n"}))

    def fail(*_: Any) -> Any:
        raise RuntimeError("no connection to the vault\nat all")

    monkeypatch.setattr(type(loader), "__getitem__", fail, raising=False)
    monkeypatch.setattr(type(loader), "get", fail, raising=False)
    assert listed_environments(loader) == ("deploy",)
    with pytest.raises(ConfigError, match=r"^conf/base/prefect\.yml: no connection to the vault$"):
        load_config(loader)
