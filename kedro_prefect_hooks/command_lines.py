"""Commands as they must be typed in the place where a message names them.

In a project's folder those are `kedro prefect …` and `kedro run`. Where only the packaged project is
installed, no folder tells Kedro which project is meant: `python -m kedro_prefect_hooks …` must name it, and
`python -m PACKAGE` runs it.
"""

from __future__ import annotations

import shlex

_options: dict[str, str] = {}

_WITHOUT_ENVIRONMENT = ("init", "docker", "db", "schema")
"""Commands in which `--env` is missing or means something else."""


def name_packaged_project(package: str, env: str | None, conf_source: str | None) -> None:
    """From here on, this process works on a packaged project: commands must name it."""
    given = {"--package": package, "--env": env, "--conf-source": conf_source}
    _options.clear()
    _options.update({option: value for option, value in given.items() if value})


def forget_packaged_project() -> None:
    """From here on, this process works on a project in a folder."""
    _options.clear()


def is_packaged() -> bool:
    """Whether commands must name a packaged project, which has no folder whose files can be edited."""
    return bool(_options)


def typed(command: str) -> str:
    """A command such as ``kedro prefect up`` or ``kedro run``, as it must be typed here."""
    if not _options:
        return command
    words, options = command.split(), dict(_options)
    if words[1] == "run":
        words[:2] = ["python", "-m", options.pop("--package")]
    else:
        if words[2] in _WITHOUT_ENVIRONMENT:
            options.pop("--env", None)
        words[:2] = ["python", "-m", __name__.split(".", maxsplit=1)[0]]
    for option, value in options.items():
        if option not in words:
            words += [option, shlex.quote(value)]
    return " ".join(words)
