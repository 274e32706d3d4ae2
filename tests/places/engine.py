"""The container engine of the tests of places, and the image that their images start from.

An engine that responds is used. Otherwise, as root, one is started, with its data in the user's cache folder:
each clone finds the images there. It is stopped at the end, and its images stay.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

import psutil

from tests import processes

CACHE = Path(
    os.environ.get("PLACES_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kedro-prefect-hooks" / "places"
).absolute()
ROOT = Path(__file__).parents[2]
BASE = "kedro-prefect-places/python:3.11-3"
"""The tag changes with what is in the image."""

PACKAGES = ("docker.io", "debootstrap", "iptables", "iproute2")
BRIDGE = "places0"
"""On Docker's own, docker0, a second engine would give its containers the addresses of the first one's."""

BRIDGE_MAC = "02:42:00:00:77:01"
"""Without its own, a bridge takes that of a container that starts, and the others lose it for seconds."""

LONGEST_WAIT = 900
"""Seconds to wait for another run of these tests."""

DEBIAN = "http://deb.debian.org/debian"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
IN_BASE = "python3,python3-venv,python3-pip,ca-certificates,nginx-light,systemd,systemd-sysv"
"""Python, and what the guide for servers needs."""

SLIM = f"""\
FROM {BASE}-debian
RUN ln -s /usr/bin/python3 /usr/local/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
ENV PIP_CERT={CERTIFICATES} SSL_CERT_FILE={CERTIFICATES} REQUESTS_CA_BUNDLE={CERTIFICATES}
RUN python -m pip install --no-cache-dir uv
COPY *.whl /tmp/
RUN uv pip install --system --no-cache --compile-bytecode \\
    "$(ls /tmp/*.whl)[embedded]" boto3 google-cloud-storage && uv pip uninstall --system kedro-prefect-hooks
"""
"""Debian's Python, as the official image of Python has it, with the certificates of this machine.

Also with most of what the image of the tests will have: otherwise each change of the package would cost CI a
minute, in which the same packages are downloaded and compiled again. What it lacks, such as dulwich, shows
that they would be.
"""

_SOCKET_PATH = 60
"""The longest path of the cache: containerd has sockets in it, whose paths Linux limits to 107 bytes."""


class Missing(Exception):
    """This machine cannot have what the tests need."""


def is_cached() -> bool:
    """Whether the tests can run with what is here."""
    if _responds():
        return _has_base()
    return _can_start() and shutil.which("dockerd") is not None and _marker().is_file()


@contextlib.contextmanager
def running(*, install: bool) -> Iterator[None]:
    """A container engine that responds; DOCKER_HOST is its address.

    Args:
        install: whether Debian's packages for it are installed if they are missing.

    Raises:
        Missing: this machine cannot have one.
    """
    with _alone():
        if _responds():
            yield
            return
        if not _can_start():
            raise Missing("No container engine responds, and only root on Linux can start one.")
        if install:
            _install_packages()
        if not (shutil.which("dockerd") and shutil.which("ip")):
            raise Missing(f"There is no dockerd: it is in Debian's packages {', '.join(PACKAGES)}.")
        with _started():
            yield


def base_image(*, build: bool) -> None:
    """The image of Python that the tests' images start from.

    There may be no registry of images, so it is Debian's, from the mirror that apt uses.

    Raises:
        Missing: it does not exist, and is not to be built or cannot be.
    """
    if _has_base():
        return
    if not build:
        raise Missing("The base image is not cached: run `make test-places` once.")
    folder = CACHE / "debian"
    shutil.rmtree(folder, ignore_errors=True)
    print("Making a base image with debootstrap …", flush=True)
    done = _run("debootstrap", "--variant=minbase", f"--include={IN_BASE}", "bookworm", str(folder), DEBIAN)
    if done.returncode != 0:
        raise Missing(f"debootstrap failed: {done.stdout[-1500:]}")
    if Path(CERTIFICATES).exists():
        shutil.copy(CERTIFICATES, str(folder) + CERTIFICATES)
    path = "ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    packed = f"tar -C {folder} -c . | docker import --change '{path}' - {BASE}-debian"
    _checked("sh", "-c", packed)
    shutil.rmtree(folder)
    with tempfile.TemporaryDirectory() as context:
        _checked(sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", context, str(ROOT))
        (Path(context) / "Dockerfile").write_text(SLIM)
        _checked("docker", "build", "--tag", BASE, context)
    name, _, tag = BASE.partition(":")
    for old in _run("docker", "image", "ls", "--format", "{{.Tag}}", name).stdout.split():
        if old not in (tag, f"{tag}-debian"):
            _run("docker", "image", "rm", f"{name}:{old}")


def delete_cache() -> None:
    """Delete the engine's data, once no engine uses it."""
    with _alone():
        _wait_for_earlier_engine()
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mount in reversed([each for each in mounts if CACHE in Path(each).parents]):
            _run("umount", mount)
        shutil.rmtree(CACHE)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other run of these tests uses an engine: the names of their images are the same.

    The lock ends with this process, however that ends.
    """
    if os.name == "nt":
        yield
        return
    import fcntl

    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("a") as lock:
        deadline = time.monotonic() + LONGEST_WAIT
        is_said = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Missing(f"Another run of these tests has had {CACHE} for too long.") from None
            if not is_said:
                print(f"Waiting for another run of these tests, which uses {CACHE} …", flush=True)
                is_said = True
            time.sleep(1)
        yield


@contextlib.contextmanager
def _started() -> Iterator[None]:
    if len(os.fsencode(CACHE)) > _SOCKET_PATH:
        raise Missing(f"The path {CACHE} is too long for sockets: set PLACES_CACHE to a shorter one.")
    _wait_for_earlier_engine()
    socket, pidfile, log = (CACHE / name for name in ("docker.sock", "dockerd.pid", "dockerd.log"))
    # Left by one that was killed. Its number may be another process's by now, which dockerd would wait for.
    for stale in (socket, pidfile):
        stale.unlink(missing_ok=True)
    folders = ["--data-root", str(CACHE / "data"), "--exec-root", str(CACHE / "run")]
    command = ["dockerd", "-H", f"unix://{socket}", "--pidfile", str(pidfile), "--bridge", BRIDGE, *folders]
    if shutil.which("setpriv"):  # if this process is killed, nobody else would stop it
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = f"unix://{socket}"
    _make_bridge()
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
            if _has_base():
                _marker().touch()
                # Each change of the package leaves an image of one gigabyte behind.
                _run("docker", "image", "prune", "--force")
    finally:
        _run("ip", "link", "delete", BRIDGE)
        os.environ.pop("DOCKER_HOST")
        if before is not None:
            os.environ["DOCKER_HOST"] = before


def _make_bridge() -> None:
    used = {each.address.rpartition(".")[0] for of_one in psutil.net_if_addrs().values() for each in of_one}
    free = next(prefix for prefix in (f"172.{n}.77" for n in range(31, 19, -1)) if prefix not in used)
    _run("ip", "link", "delete", BRIDGE)  # of one that was killed
    for arguments in (
        ("link", "add", "name", BRIDGE, "address", BRIDGE_MAC, "type", "bridge"),
        ("address", "add", f"{free}.1/24", "dev", BRIDGE),
        ("link", "set", "dev", BRIDGE, "up"),
    ):
        done = _run("ip", *arguments)
        if done.returncode != 0:
            raise Missing(f"No network for containers: {done.stdout}")


def _wait_for_earlier_engine(seconds: float = 60) -> None:
    """Wait for the end of an engine whose run of these tests was killed."""
    file = CACHE / "dockerd.pid"
    try:
        process = psutil.Process(int(file.read_text()))
        is_engine = str(CACHE / "data") in process.cmdline()
    except (OSError, ValueError, psutil.NoSuchProcess):
        return
    if is_engine:
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            raise Missing(f"An engine still uses {CACHE}: end process {process.pid}.") from None


def _marker() -> Path:
    return CACHE / f"has-{BASE.rpartition(':')[2]}"


def _has_base() -> bool:
    return _run("docker", "image", "inspect", BASE).returncode == 0


def _can_start() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def _install_packages() -> None:
    if all(map(shutil.which, ("dockerd", "debootstrap", "iptables", "ip"))):
        return
    if not shutil.which("apt-get"):
        raise Missing("No container engine responds, and there is no apt-get to install one.")
    print(f"Installing {', '.join(PACKAGES)} …", flush=True)
    _run("apt-get", "update", "-qq")
    done = _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES)
    if done.returncode != 0:
        raise Missing(f"apt-get failed: {done.stdout[-1500:]}")


def _checked(*command: str) -> None:
    done = _run(*command)
    if done.returncode != 0:
        raise Missing(f"{' '.join(command)} failed: {done.stdout[-1500:]}")


def _responds() -> bool:
    return bool(shutil.which("docker")) and _run("docker", "version").returncode == 0


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600
    )
