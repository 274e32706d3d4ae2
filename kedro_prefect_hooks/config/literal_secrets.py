"""Finds values in `prefect.yml` that look like passwords or tokens.

Most of the file is sent to the Prefect API or a storage in plain text, and the file itself is under version
control. So it may contain the name of a secret, but not its value.
"""

from __future__ import annotations

import re
from typing import Any, Collection, Iterator, Mapping

from kedro_prefect_hooks.config.messages import Key, Place, Problem, format_key
from kedro_prefect_hooks.config.secret_shapes import secret_shape
from kedro_prefect_hooks.errors import did_you_mean

_PASSWORD = re.compile(r"(password|passwd|passphrase|(^|_)(pwd|pass|secret))$")
_SECRET_NAME = re.compile(
    rf"{_PASSWORD.pattern}|(^|_)(token|api_?key|access_?key|secret_?key|private_?key|"
    r"account_?key|signing_?key|encryption_?key|connection_?string|conn_?str|authorization|cookie|sas)$"
)
# Prefect's own arguments `access_token_secret`, `connection_string_secret`, … hold the name of a Prefect
# Secret, not its value.
_NAMES_A_SECRET = re.compile(r"_secret$")
_REFERENCE = re.compile(r"\s*(\$[({\w]|\{\{|<)")
"""A value that is filled in elsewhere: `$NAME`, `$(NAME)`, `{{ name }}`."""

_OBJECTS = ("storage", "run_config", "executor", "result")
_WITH_NAMED_VALUES = (*_OBJECTS, "parameters")
"""Where keys are names of the user's or of Prefect's arguments, which say what the value is."""

REMEDY = (
    "prefect.yml must not contain the value of a secret, which would be sent to the Prefect API in plain "
    "text. Set it in the environment of the agent or its workers, or name a Prefect Secret that holds it"
)


def literal_secrets(raw: Mapping[str, Any], place: Place, not_secrets: Collection[str]) -> Iterator[Problem]:
    """A problem for each value of the file that looks like a secret. No problem repeats the value.

    Args:
        raw: the file's content.
        place: the top of the file.
        not_secrets: key paths of values that only look like one, whole or their ends.
    """
    unused = set(not_secrets)
    for key, looks_like in _suspicious((), raw):
        path = format_key(key)
        excused = {each for each in not_secrets if path == each or path.endswith(f".{each}")}
        unused -= excused
        if not excused:
            yield Problem(
                place.at(*key),
                f"found {looks_like}: {REMEDY}. If it is none, list it: `not_secrets: [{path}]`",
            )
    known = {format_key(key) for key, _ in _suspicious((), raw)}
    for position, name in enumerate(not_secrets):
        if name in unused:
            yield Problem(
                place.at("not_secrets", position),
                f"found {name!r}, where no value looks like a secret.{did_you_mean(name, known)} Expected "
                "the "
                "key path of a message, such as defaults.run_config.env.API_KEY; remove what is not needed.",
            )


def _suspicious(key: Key, value: Any) -> Iterator[tuple[Key, str]]:
    if len(key) > 1 and "notify" in key[1:]:
        return  # its model has its own messages
    if key[:1] == ("not_secrets",):
        return
    if isinstance(value, Mapping):
        name = value.get("name")  # as containers have their variables: {name: DB_PASSWORD, value: …}
        for each, inner in value.items():
            if each == "value" and isinstance(name, str) and _named_like_a_secret((*key, name), inner):
                yield (*key, "value"), f"a value for {name}, which is named like a secret"
            else:
                yield from _suspicious((*key, str(each)), inner)
    elif isinstance(value, (list, tuple)):
        for position, inner in enumerate(value):
            yield from _suspicious((*key, position), inner)
    elif _named_like_a_secret(key, value):
        yield key, "a value whose key is named like a secret"
    elif isinstance(value, str):
        shape = secret_shape(value)
        if shape is not None:
            yield key, f"what looks like {shape}"


def _named_like_a_secret(key: Key, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return False
    names = [part for part in key if isinstance(part, str)]
    if not names or not set(names[:-1]) & set(_WITH_NAMED_VALUES):
        return False
    name = _snake_case(names[-1])
    if isinstance(value, str):
        is_argument = len(names) > 1 and names[-2] in _OBJECTS
        if not value.strip() or _REFERENCE.match(value) or (is_argument and _NAMES_A_SECRET.search(name)):
            return False
        return _SECRET_NAME.search(name) is not None
    return _PASSWORD.search(name) is not None  # `MAX_TOKEN: 512` counts tokens


def _snake_case(name: str) -> str:
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.rsplit(".", maxsplit=1)[-1])
    return re.sub(r"[^A-Za-z0-9]+", "_", words).lower()
