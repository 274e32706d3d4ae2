"""Commands of this package as they must be typed in the place where a message names them.

In a project's folder that is `kedro prefect …`. Where only the packaged project is installed, no folder tells
Kedro which project is meant, so `python -m kedro_prefect_hooks …` must say it.
"""

from __future__ import annotations

import shlex

_options: dict[str, str] = {}


def name_packaged_project(package: str, env: str | None, conf_source: str | None) -> None:
    """From here on, this process works on a packaged project: commands must name it."""
    given = {"--package": package, "--env": env, "--conf-source": conf_source}
    _options.clear()
    _options.update({option: value for option, value in given.items() if value})


def forget_packaged_project() -> None:
    """From here on, this process works on a project in a folder."""
    _options.clear()


def typed(command: str) -> str:
    """A command such as ``kedro prefect up``, as it must be typed here."""
    if not _options:
        return command
    words = ["python", "-m", __name__.split(".", maxsplit=1)[0], *command.split()[2:]]
    for option, value in _options.items():
        if option not in words:
            words += [option, shlex.quote(value)]
    return " ".join(words)
