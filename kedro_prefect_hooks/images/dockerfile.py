"""The Dockerfile of a project: its requirements and this package, a user that is not root, the project.

Its names are kedro-docker's (`BASE_IMAGE`, `KEDRO_UID`, `KEDRO_GID`, `/home/kedro_docker`), so that `kedro
docker build` and `kedro docker run` work with it too.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator, NamedTuple, Optional

REQUIREMENTS = ("requirements.txt", "src/requirements.txt", "pyproject.toml")
"""Where a project states what it needs: from Kedro 0.18, before, and without a file of its own."""

WHEELS = "wheels"
"""The project's folder for the wheels that its image needs."""

HOME = "/home/kedro_docker"

_TEMPLATE = """\
# The image in which flow runs of this project run. Written by `kedro prefect docker`; edit it as you like.
ARG BASE_IMAGE={base_image}
FROM $BASE_IMAGE AS runtime-environment

# pip 24.1 and later reject Prefect 1.1.0 ("invalid metadata"); uv accepts it
RUN python -m pip install --no-cache-dir uv

# Compiled here: the user below cannot write these folders, and each flow run would compile all of it again.
{copy}
RUN uv pip install --system --no-cache --compile-bytecode {install}

ARG KEDRO_UID=999
ARG KEDRO_GID=0
RUN groupadd -f -g ${{KEDRO_GID}} kedro_group && \\
    useradd -m -d {home} -s /bin/bash -g ${{KEDRO_GID}} -u ${{KEDRO_UID}} kedro_docker

# A flow run finds the project in its working directory.
WORKDIR {home}
USER kedro_docker

FROM runtime-environment

# the project, except what .dockerignore leaves out
ARG KEDRO_UID=999
ARG KEDRO_GID=0
COPY --chown=${{KEDRO_UID}}:${{KEDRO_GID}} . .

CMD ["kedro", "run"]
"""


class Plugin(NamedTuple):
    """This package, as an image gets it: a wheel that is copied, or a requirement from an index."""

    wheel: Optional[Path] = None
    requirement: str = ""


def base_image() -> str:
    """The official image of the running Python."""
    return f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"


def requirements_file(project: Path) -> str | None:
    """The file that states the project's requirements, relative to its folder; None if there is none."""
    for name in REQUIREMENTS:
        file = project / name
        if not file.is_file():
            continue
        if name != "pyproject.toml" or _has_dependencies(file.read_text(encoding="utf-8")):
            return name
    return None


def dockerfile(requirements: str | None, plugin: Plugin, *, base: str, kedro_version: str) -> str:
    """The text of a Dockerfile.

    Args:
        requirements: the project's file of requirements; None to install Kedro alone.
        plugin: this package.
        base: the image to start from.
        kedro_version: the project's Kedro.
    """
    folder = "/tmp/requirements"
    copied, installed = [], []
    if requirements is not None:
        copied.append(requirements)
        installed.append(f"-r {folder}/{Path(requirements).name}")
    else:
        installed.append(f"kedro=={kedro_version}")
    if plugin.wheel is not None:
        copied.append(f"{WHEELS}/{plugin.wheel.name}")
        installed.append(f"{folder}/{plugin.wheel.name}")
    else:
        installed.append(f"'{plugin.requirement}'")
    copy = f"COPY {' '.join(copied)} {folder}/" if copied else ""
    install = " \\\n    ".join(["", *installed]).lstrip(" ")
    return _TEMPLATE.format(base_image=base, copy=copy, install=install, home=HOME)


def unreachable_requirements(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a requirements.txt that an image cannot install, since they name files of this machine."""
    for number, line in enumerate(text.splitlines(), start=1):
        found = line.split(" #")[0].strip()
        is_path = re.match(
            r"(-e|--editable|-r|-c|--find-links|-f)\b|[./~]|[\w.-]+(\[[^]]*\])?\s*@\s*file:", found
        )
        if is_path:
            yield number, found


def _has_dependencies(text: str) -> bool:
    section = re.search(r"^\[project\]\s*$(.*?)(^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    return section is not None and re.search(r"^dependencies\s*=", section[1], re.MULTILINE) is not None
