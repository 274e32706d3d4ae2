"""Explains an interpolation in `prefect.yml` that OmegaConf cannot resolve: where it is, and what to do.

Knows OmegaConf's errors by their names only, since a project may use a config loader without OmegaConf.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Iterator, Mapping

from kedro_prefect_hooks.config.messages import Key, Place, Problem, format_names, redacted, unknown_name
from kedro_prefect_hooks.config.yaml_file import Node, walked
from kedro_prefect_hooks.errors import did_you_mean

_OWN_RESOLVERS = 'CONFIG_LOADER_ARGS = {"custom_resolvers": {…}}'
_OC_ENV = (
    "Kedro resolves it in credentials only. To allow it everywhere, add to settings.py: "
    "`from omegaconf.resolvers import oc` and "
    '`CONFIG_LOADER_ARGS = {"custom_resolvers": {"oc.env": oc.env}}`; or write the value in globals.yml and '
    "use ${globals:name}"
)


def interpolation_problem(
    error: Exception, config_loader: Any, nodes: Mapping[str, Node | None]
) -> Problem | None:
    """The problem that OmegaConf's error is about; None if it is about something else.

    Args:
        error: raised by the config loader.
        config_loader: the loader.
        nodes: the files by name, in the order in which they override each other.
    """
    full_key = getattr(error, "full_key", None)
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    found = _found(nodes, full_key, message)
    if found is None:
        return None
    place, line, text = found
    written = text if len(text) <= 60 else f"{text[:59]}…"
    return Problem(
        place, f"line {line}: found {redacted(written)!r}: {_reason(error, message, config_loader, nodes)}"
    )


def _found(
    nodes: Mapping[str, Node | None], full_key: str | None, message: str
) -> tuple[Place, int, str] | None:
    """The interpolated value: the one at OmegaConf's key, or else the only one that the message quotes."""
    quoting = None
    for name, node in reversed(list(nodes.items())):
        for each in walked(node) if node is not None else ():
            text = str(each.node.value) if each.node.id == "scalar" else ""
            if each.is_key or "${" not in text:
                continue
            where = (Place(each.key, {"": name}), each.line, text)
            if full_key and _omegaconf_key(each.key) == full_key:
                return where
            name_in_message = re.search(r"'([^']+)'", message)
            if name_in_message is not None and name_in_message[1] in text:
                quoting = where
    return quoting


def _omegaconf_key(key: Key) -> str:
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _reason(error: Exception, message: str, config_loader: Any, nodes: Mapping[str, Node | None]) -> str:
    quoted = re.search(r"'([^']+)'", message)
    name = quoted[1] if quoted is not None else ""
    kind = message.split(" key", maxsplit=1)[0] if message.startswith("Globals") else type(error).__name__
    reasons: dict[str, Callable[[], str]] = {
        "UnsupportedInterpolationType": lambda: _no_resolver(message.rsplit(maxsplit=1)[-1], config_loader),
        "InterpolationKeyError": lambda: _no_key(name, nodes),
        "Globals": lambda: _no_global(name, config_loader),
        "GrammarParseError": lambda: (
            f"not a valid interpolation ({message}). Expected ${{key}} or ${{globals:name}}; for the "
            "characters themselves, write \\${"
        ),
    }
    if message.startswith("Runtime parameter"):
        return (
            f"flows are registered without runtime parameters, and {name!r} has no default. Write one: "
            f"${{runtime_params:{name}, value}}"
        )
    if message == "Recursive interpolation detected":
        return "it refers to itself, expected another key"
    return reasons.get(kind, lambda: message)()


def _no_resolver(name: str, config_loader: Any) -> str:
    if name == "oc.env":
        return _OC_ENV
    own = getattr(config_loader, "_custom_resolvers", None) or {}
    unknown = unknown_name("resolver", name, ["globals", "runtime_params", *map(str, own)])
    return f"{unknown} Your own are set in settings.py, {_OWN_RESOLVERS}"


def _no_key(name: str, nodes: Mapping[str, Node | None]) -> str:
    keys = sorted({_omegaconf_key(each.key) for each in _all_keys(nodes)})
    return (
        f"there is no key {name!r} in this configuration.{did_you_mean(name, keys)} Expected another key of "
        "prefect.yml (an environment's file replaces whole top-level keys of base), or ${globals:name} for a "
        "key of globals.yml"
    )


def _no_global(name: str, config_loader: Any) -> str:
    known = sorted(_dotted(_globals(config_loader)))
    accepted = f"Accepted: {format_names(known)}" if known else "There are no globals"
    return (
        f"there is no key {name!r} in globals.yml.{did_you_mean(name, known)} {accepted}. Add it, or give a "
        f"default: ${{globals:{name}, value}}"
    )


def _all_keys(nodes: Mapping[str, Node | None]) -> Iterator[Any]:
    for node in nodes.values():
        if node is not None:
            yield from (each for each in walked(node) if each.key)


def _globals(config_loader: Any) -> Any:
    try:
        return config_loader["globals"]
    except Exception:  # it may be what is broken; then there are no names to propose
        return {}


def _dotted(values: Any, before: str = "") -> Iterator[str]:
    for key, value in values.items() if isinstance(values, Mapping) else ():
        yield f"{before}{key}"
        yield from _dotted(value, f"{before}{key}.")


def uninterpolated(raw: Any, place: Place, loader: str) -> Iterator[Problem]:
    """Each `${…}` that a loader without interpolation has left in a value, except in `env`."""
    if isinstance(raw, Mapping):
        for key, value in raw.items():
            if key != "env":
                yield from uninterpolated(value, place.at(str(key)), loader)
    elif isinstance(raw, list):
        for position, value in enumerate(raw):
            yield from uninterpolated(value, place.at(position), loader)
    elif isinstance(raw, str) and re.search(r"\$\{[^}]+\}", raw):
        yield Problem(
            place,
            f"found {redacted(raw)!r}, which {loader} does not resolve: write the value, or use Kedro's "
            "OmegaConfigLoader",
        )
