"""Runs the tests marked `places`, with what they need: a container engine, and an image of Python.

    python -m tests.places [--cached] [arguments for pytest]

An engine that runs already is used. Otherwise, as root, one is started with its data in `.places/`, after
Debian's packages for it are installed if they are missing, and it is stopped at the end. Its images stay
there, so that the next time takes less than half as long. With `--cached`, nothing is installed: without an
image from an earlier time, nothing is run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

from tests import processes

CACHE = Path(os.environ.get("PLACES_CACHE") or Path(__file__).parents[2] / ".places").absolute()
BASE = "kedro-prefect-places/python:3.11"
PACKAGES = ("docker.io", "debootstrap", "iptables")

DEBIAN = "http://deb.debian.org/debian"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

SLIM = f"""\
FROM {BASE}-debian
RUN ln -s /usr/bin/python3 /usr/local/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
ENV PIP_CERT={CERTIFICATES} SSL_CERT_FILE={CERTIFICATES} REQUESTS_CA_BUNDLE={CERTIFICATES}
"""
"""Debian's Python, as the official image of Python has it; with the certificates of this machine."""


class Missing(Exception):
    """This machine cannot have what the tests need."""


def main(arguments: list[str]) -> int:
    cached = "--cached" in arguments
    try:
        with engine(install=not cached):
            base_image(build=not cached)
            command = [sys.executable, "-m", "pytest", "-m", "places", "tests/places", "--durations=8"]
            return subprocess.run(
                [*command, *(a for a in arguments if a != "--cached")], check=False
            ).returncode
    except Missing as missing:
        print(
            f"\n{'!' * 72}\nSKIPPED: the tests of places did not run. {missing}\n{'!' * 72}", file=sys.stderr
        )
        return 0


@contextlib.contextmanager
def engine(*, install: bool) -> Iterator[None]:
    """A container engine that responds; DOCKER_HOST is its address."""
    if _responds():
        yield
        return
    if sys.platform != "linux" or os.geteuid() != 0:
        raise Missing("No container engine responds, and only root on Linux can start one.")
    if install:
        _install_packages()
    if not shutil.which("dockerd"):
        raise Missing(f"There is no dockerd: it is in Debian's packages {', '.join(PACKAGES)}.")
    CACHE.mkdir(exist_ok=True)
    address = f"unix://{CACHE}/docker.sock"
    command = [
        "dockerd",
        "-H",
        address,
        "--data-root",
        str(CACHE / "data"),
        "--exec-root",
        str(CACHE / "run"),
    ]
    command += ["--pidfile", str(CACHE / "dockerd.pid")]
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = address
    log = CACHE / "dockerd.log"
    try:
        with log.open("wb") as output, processes.running(
            command, patience=60, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        ) as process:
            deadline = time.monotonic() + 60
            while not _responds():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Missing(f"dockerd does not run here:\n{log.read_text()[-1500:]}")
                time.sleep(0.3)
            yield
    finally:
        os.environ.pop("DOCKER_HOST")
        if before is not None:
            os.environ["DOCKER_HOST"] = before


def base_image(*, build: bool) -> None:
    """The image of Python that the tests' images start from.

    There may be no registry of images, so it is Debian's, from the mirror that apt uses.
    """
    if _run("docker", "image", "inspect", BASE).returncode == 0:
        return
    if not build:
        raise Missing("Its base image is not cached: run `make test-places` once.")
    folder = CACHE / "debian"
    shutil.rmtree(folder, ignore_errors=True)
    CACHE.mkdir(exist_ok=True)
    include = "--include=python3,python3-venv,python3-pip,ca-certificates"
    print("Making a base image with debootstrap …", flush=True)
    done = _run("debootstrap", "--variant=minbase", include, "bookworm", str(folder), DEBIAN)
    if done.returncode != 0:
        raise Missing(f"debootstrap failed: {done.stdout[-1500:]}")
    if Path(CERTIFICATES).exists():
        shutil.copy(CERTIFICATES, str(folder) + CERTIFICATES)
    path = "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    packed = f"tar -C {folder} -c . | docker import --change '{path}' - {BASE}-debian"
    for command, given in ((["sh", "-c", packed], None), (["docker", "build", "-t", BASE, "-"], SLIM)):
        subprocess.run(command, input=given, text=True, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder)


def _install_packages() -> None:
    if shutil.which("dockerd") and shutil.which("debootstrap") and shutil.which("iptables"):
        return
    if not shutil.which("apt-get"):
        raise Missing("No container engine responds, and there is no apt-get to install one.")
    print(f"Installing {', '.join(PACKAGES)} …", flush=True)
    _run("apt-get", "update", "-qq")
    done = _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES)
    if done.returncode != 0:
        raise Missing(f"apt-get failed: {done.stdout[-1500:]}")


def _responds() -> bool:
    return bool(shutil.which("docker")) and _run("docker", "version").returncode == 0


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
