"""Finds what looks like a password in the arguments of `prefect.yml`.

All of these arguments reach the Prefect API or a storage in clear, and the file itself is under version
control, so a secret's value must not stand there; a secret's name may.
"""

from __future__ import annotations

import re
from typing import Any, Mapping

from kedro_prefect_hooks.config.messages import Key

_SECRET_NAME = re.compile(
    r"(^|[_-])(password|passwd|pwd|secret|token|api_?key|access_?key|secret_?key|private_?key|connection_string)$",
    re.IGNORECASE,
)
_URL_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@", re.IGNORECASE)
# Prefect's own arguments `access_token_secret`, `connection_string_secret`, … hold the name of a Prefect
# Secret, not its value.
_NAMES_A_SECRET = re.compile(r"_secret$")

RIGHT_WAY = (
    "a secret's value must not stand in prefect.yml, from where it would reach the Prefect API in clear. "
    "Set it in the environment of the agent or its workers, or keep it as a Prefect Secret and name that"
)


def literal_secret(arguments: Mapping[str, Any]) -> Key | None:
    """The path to the first value that looks like a secret, or None when there is none.

    Only texts count, by the name of their key or by a password in an URL; `api_key: ""` does not.
    """
    for name, value in arguments.items():
        key = str(name)
        if isinstance(value, str) and value and _NAMES_A_SECRET.search(key) and key.islower():
            continue
        found = _below(key, value)
        if found is not None:
            return found
    return None


def _below(key: str, value: Any) -> Key | None:
    if isinstance(value, str):
        is_secret = bool(value) and (_SECRET_NAME.search(key) or _URL_WITH_PASSWORD.match(value))
        return (key,) if is_secret else None
    entries = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, each in entries:
        found = _below(str(name), each)
        if found is not None:
            return (key, *found)
    return None
