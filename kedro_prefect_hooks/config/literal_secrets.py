"""Finds values that look like passwords in the arguments of `prefect.yml`.

All of these arguments are sent to the Prefect API or a storage in plain text, and the file itself is under
version control. So the file may contain the name of a secret, but not its value.
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

REMEDY = (
    "prefect.yml must not contain the value of a secret, which would be sent to the Prefect API in plain "
    "text. Set it in the environment of the agent or its workers, or name a Prefect Secret that holds it"
)


def literal_secret(arguments: Mapping[str, Any]) -> Key | None:
    """Return the path to the first value that looks like a secret, or None.

    A string counts if its key is named like a secret, or if it is a URL with a password. An empty string does
    not.
    """
    for name, value in arguments.items():
        key = str(name)
        if isinstance(value, str) and value and _NAMES_A_SECRET.search(key) and key.islower():
            continue
        found = _search(key, value)
        if found is not None:
            return found
    return None


def _search(key: str, value: Any) -> Key | None:
    if isinstance(value, str):
        is_secret = bool(value) and (_SECRET_NAME.search(key) or _URL_WITH_PASSWORD.match(value))
        return (key,) if is_secret else None
    entries = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, each in entries:
        found = _search(str(name), each)
        if found is not None:
            return (key, *found)
    return None
