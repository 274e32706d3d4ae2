"""`kedro prefect docker`."""

from __future__ import annotations

from pathlib import Path

import click

from kedro_prefect_hooks import env_vars
from kedro_prefect_hooks.cli import base
from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import KedroPrefectError
from kedro_prefect_hooks.terminal import echo


@base.command(name="docker", short_help="Write a Dockerfile and a .dockerignore for this project.")
@click.option(
    "--base-image", metavar="IMAGE", help="Image to start from. Default: python:X.Y-slim of this Python."
)
@click.option(
    "--plugin",
    metavar="SOURCE",
    help="Where the image gets this package from: a wheel, a folder with its source, or a requirement such "
    "as kedro-prefect-hooks==0.2.0. Default: what is installed here.",
)
@click.option(
    "--output",
    "-o",
    default="Dockerfile",
    metavar="FILE",
    help="The Dockerfile to write, in the project's folder.",
)
@click.option("--force", "-f", is_flag=True, help="Overwrite an existing Dockerfile.")
@base.package_option
def command(base_image: str | None, plugin: str | None, output: str, force: bool) -> None:
    """Write a Dockerfile and a .dockerignore for this project.

    The image has the project's requirements and this package, with compiled bytecode, and the project, in the
    home folder of a user that is not root. The Dockerfile follows kedro-docker's conventions: `kedro docker
    build` builds it too. This command needs no Docker.

    An existing Dockerfile is not overwritten without --force. To an existing .dockerignore, only the line is
    added that keeps .kedro_prefect (the token and the history of the embedded API) out of the image. A wheel
    of this package is copied to the folder wheels.

    The image is made of the project's folder, so --package is refused.
    """
    from kedro_prefect_hooks.cli.opened_project import PackagedProject, project_metadata
    from kedro_prefect_hooks.images import dockerfile, ignore_file, plugin_source

    metadata = project_metadata()
    if isinstance(metadata, PackagedProject):
        raise KedroPrefectError(
            "An image is made of the project's folder: use this command there. Or write a Dockerfile that "
            f"installs {metadata.package_name} and this package, copies the configuration, and names its "
            f"folder in {env_vars.CONF_SOURCE}."
        )
    folder = Path(str(metadata.project_path))
    target = folder / output
    for line in keep_state_out(folder, create=True):
        echo(line)
    requirements = dockerfile.requirements_file(folder)
    source = plugin_source.plugin_for_image(folder, plugin)
    text = dockerfile.dockerfile(
        requirements, source, base=base_image or dockerfile.base_image(), kedro_version=_kedro_version()
    )
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        echo(f"{output} is up to date.")
    elif target.exists() and not force:
        raise KedroPrefectError(
            f"{output} already exists and was not changed. Overwrite it with --force, or write another file "
            "with --output Dockerfile.prefect."
        )
    else:
        target.write_bytes(text.encode())  # with Unix line endings everywhere
        echo(f"Wrote {output}.")
    wheel = f"{dockerfile.WHEELS}/{source.wheel.name}" if source.wheel else ""
    echo(f"The image gets this package from {wheel or f'the requirement {source.requirement}'}.")
    for line in _warnings(folder, requirements, source.wheel, ignore_file.NAME):
        echo(f"Note: {line}", err=True)
    image = f"{folder.name.lower()}:latest"
    file = "" if output == "Dockerfile" else f" --file {output}"
    echo(
        "Next:\n"
        f"  docker build{file} --tag {image} .\n"
        f"  in prefect.yml: `run_config: {{type: DockerRun, image: {image}, labels: [docker]}}`\n"
        f"  {typed('kedro prefect register')}\n"
        f"  {typed('kedro prefect agent --type docker')}"
    )


def keep_state_out(folder: Path, *, create: bool = False) -> list[str]:
    """Keep `.kedro_prefect` out of images; return what was done."""
    from kedro_prefect_hooks.images import ignore_file

    file = folder / ignore_file.NAME
    if create and not file.exists():
        file.write_text(ignore_file.NEW, encoding="utf-8")
        return [f"Wrote {ignore_file.NAME}."]
    if ignore_file.add_state(folder):
        return [f"Added {ignore_file.STATE} to {ignore_file.NAME}: it has the token of the embedded API."]
    return []


def _warnings(folder: Path, requirements: str | None, wheel: Path | None, ignore: str) -> list[str]:
    from kedro_prefect_hooks.images import dockerfile, ignore_file

    found = []
    if requirements is None:
        names = ", ".join(dockerfile.REQUIREMENTS)
        found.append(
            f"the project states no requirements ({names}): the image has Kedro and this package only."
        )
    elif requirements.endswith(".txt"):
        text = (folder / requirements).read_text(encoding="utf-8")
        for number, line in dockerfile.unreachable_requirements(text):
            found.append(f"{requirements}, line {number}: {line!r} names a file that is not in the image.")
    text = (folder / ignore).read_text(encoding="utf-8", errors="replace")
    needed = [requirements or "", f"{dockerfile.WHEELS}/{wheel.name}" if wheel else ""]
    for path in filter(None, needed):
        if ignore_file.leaves_out_file(text, path):
            found.append(f"{ignore} leaves out {path}, which the Dockerfile copies. Add the line `!{path}`.")
    for file in sorted(folder.glob("conf/*/**/*credentials*.y*ml")):
        path = file.relative_to(folder).as_posix()
        if ignore_file.leaves_out_file(text, path) and not path.startswith("conf/local/"):
            found.append(
                f"{ignore} leaves out {path}. If it has no secrets, only references like ${{oc.env:TOKEN}}, "
                f"add the line `!{path}`; otherwise mount it into the containers."
            )
    if not ignore_file.leaves_out_file(text, "conf/local/credentials.yml"):
        found.append(f"{ignore} does not leave out conf/local: credentials in it get into the image.")
    return found


def _kedro_version() -> str:
    import kedro

    return str(kedro.__version__)
