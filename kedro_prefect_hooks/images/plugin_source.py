"""Where an image gets this package from: a wheel, a folder of its source, or an index."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.images.dockerfile import WHEELS, Plugin

DISTRIBUTION = "kedro-prefect-hooks"


def plugin_for_image(project: Path, given: str | None) -> Plugin:
    """This package for a project's image; a wheel is put into the project's folder `wheels`.

    Args:
        project: the project's folder.
        given: a wheel, a folder of the source, or a requirement; None for what is installed here.

    Raises:
        KedroPrefectError: the wheel cannot be built.
    """
    source = given or installed_from() or f"{DISTRIBUTION}=={_version()}"
    path = Path(source).expanduser()
    if source.endswith(".whl"):
        if not path.is_file():
            raise KedroPrefectError(f"--plugin: there is no wheel {source}.")
        return Plugin(wheel=_copied(path, project / WHEELS))
    if path.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            return Plugin(wheel=_copied(_built(path.resolve(), Path(folder)), project / WHEELS))
    if os.sep in source and not source.startswith(("git+", "https:", "http:")) and "@" not in source:
        raise KedroPrefectError(f"--plugin: there is no folder or wheel {source}.")
    return Plugin(requirement=source)


def installed_from() -> str | None:
    """The wheel or the folder that this package was installed from, if it still exists; None for an index."""
    source = Path(__file__).parents[2]
    if (source / "pyproject.toml").is_file():
        return str(source)  # an editable installation, or a source tree on the import path
    try:
        text = importlib.metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except importlib.metadata.PackageNotFoundError:
        return None
    url = urlsplit(str(json.loads(text or "{}").get("url", "")))
    path = Path(url2pathname(url.path))
    return str(path) if url.scheme == "file" and path.exists() else None


def _version() -> str:
    from kedro_prefect_hooks import __version__

    return __version__


def _copied(wheel: Path, folder: Path) -> Path:
    """Copy a wheel, and delete those of other versions."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob(f"{DISTRIBUTION.replace('-', '_')}-*.whl"):
        if old.name != wheel.name:
            old.unlink()
    target = folder / wheel.name
    if not (target.exists() and target.samefile(wheel)):
        shutil.copyfile(str(wheel), str(target))
    return target


def _built(source: Path, folder: Path) -> Path:
    """The wheel of a source tree, built by uv or else by pip."""
    commands = []
    if shutil.which("uv"):
        commands.append(["uv", "build", "--wheel", "--quiet", "--out-dir", str(folder), str(source)])
    commands.append(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            str(folder),
            str(source),
        ]
    )
    printed = ""
    for command in commands:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        wheels = list(folder.glob("*.whl"))
        if done.returncode == 0 and wheels:
            return wheels[0]
        printed = done.stdout.strip()
    raise KedroPrefectError(
        f"The wheel of {source} could not be built: {printed[-500:]}\nBuild it yourself, and give its path "
        "with --plugin."
    )
