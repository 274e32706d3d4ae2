"""Before `kedro docker build`: keeps the state of the embedded API out of the image.

kedro-docker writes a `.dockerignore` when it builds, and that lets `.kedro_prefect` in. Kedro loads this
module with each command, so it imports nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kedro.framework.cli.hooks import cli_hook_impl

_COMMANDS = (["docker", "build"], ["docker", "init"])


class ImageGuard:
    """The entry point `kedro.cli_hooks`."""

    @cli_hook_impl
    def before_command_run(self, project_metadata: Any, command_args: list[str]) -> None:
        """Add the line that is missing to `.dockerignore`, or to what kedro-docker would write."""
        if project_metadata is None or list(command_args[:2]) not in _COMMANDS:
            return
        from kedro_prefect_hooks.cli.docker_command import keep_state_out
        from kedro_prefect_hooks.images.ignore_file import NAME
        from kedro_prefect_hooks.terminal import echo

        folder = Path(str(project_metadata.project_path))
        if not (folder / NAME).exists():
            text = _kedro_dockers()
            if text is not None:
                (folder / NAME).write_bytes(text)  # as kedro-docker itself is about to
        for line in keep_state_out(folder):
            echo(line)


def _kedro_dockers() -> bytes | None:
    """The `.dockerignore` that kedro-docker writes, if it is installed."""
    import importlib.util

    spec = importlib.util.find_spec("kedro_docker")
    if spec is None or spec.origin is None:
        return None
    template = Path(spec.origin).parent / "template" / ".dockerignore"
    return template.read_bytes() if template.is_file() else None


guard = ImageGuard()
