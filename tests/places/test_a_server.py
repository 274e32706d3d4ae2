"""The guide "Run the embedded API on a server": its units under systemd and its nginx, in a container."""

from __future__ import annotations

import io
import shlex
import tarfile
from typing import Any, Iterator

import pytest
import yaml

from tests.places.conftest import IMAGE, Place, wait_until
from tests.places.guide import Guide

pytestmark = pytest.mark.places

CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=prefect.example.com "
    "-addext subjectAltName=DNS:prefect.example.com -keyout /etc/ssl/prefect.key -out /etc/ssl/prefect.pem"
)
INSTALLED = """
useradd --system flights
cp -r /home/kedro_docker /srv/flights
mkdir -p /srv/flights/.venv/bin /srv/flights/data /backup
ln -s /usr/local/bin/kedro /srv/flights/.venv/bin/kedro
chown -R flights /srv/flights /backup
"""
"""The project with its virtual environment, as far as the units are concerned."""


class Machine:
    """A container in which systemd runs.

    Args:
        docker: Docker's client.
    """

    def __init__(self, docker: Any) -> None:
        self._docker = docker
        host = docker.create_host_config(
            cap_add=["SYS_ADMIN"],
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            tmpfs={"/run": "", "/run/lock": ""},
            binds=["/sys/fs/cgroup:/sys/fs/cgroup:ro"],
            extra_hosts={"prefect.example.com": "127.0.0.1"},
        )
        self.id = docker.create_container(
            IMAGE,
            ["/lib/systemd/systemd"],
            user="root",
            environment={"container": "docker"},
            host_config=host,
        )["Id"]
        docker.start(self.id)

    def sh(self, command: str, user: str = "root", folder: str = "/", ok: bool = True) -> str:
        """Run a command; its output."""
        made = self._docker.exec_create(self.id, ["bash", "-ec", command], user=user, workdir=folder)
        output = self._docker.exec_start(made["Id"]).decode()
        code = self._docker.exec_inspect(made["Id"])["ExitCode"]
        assert not ok or code == 0, (command, output, self._journal())
        return str(output)

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        self._docker.put_archive(self.id, "/", packed.getvalue())

    def flights(self, command: str) -> str:
        """Run a command as the account of the services, in the project."""
        return self.sh(f"export HOME=/srv/flights; {command}", user="flights", folder="/srv/flights")

    def _journal(self) -> str:
        made = self._docker.exec_create(self.id, ["journalctl", "-q", "--no-pager", "-n", "60"])
        return str(self._docker.exec_start(made["Id"]).decode())

    def remove(self) -> None:
        self._docker.remove_container(self.id, force=True)


@pytest.fixture
def machine(place: Place) -> Iterator[Machine]:
    found = Machine(place.docker)
    try:
        wait_until(lambda: "running" in found.sh("systemctl is-system-running || true"), "systemd")
        yield found
    finally:
        found.remove()


def test_the_guide_for_servers(place: Place, machine: Machine) -> None:
    guide = Guide("server.md", {})  # nothing is changed
    machine.sh(INSTALLED)
    for number, unit in enumerate(("flights-api", "flights-agent")):
        text = guide.text("ini", "Services", number)
        assert text.startswith(f"# /etc/systemd/system/{unit}.service\n")
        machine.write(f"/etc/systemd/system/{unit}.service", text)
    variables = "".join(f"{name}={value}\n" for name, value in place.environment.items())
    machine.write("/etc/flights.env", variables)
    machine.sh("chmod 600 /etc/flights.env")
    elsewhere = place.guide("storages-and-run-configs.md").yaml("Other machines")
    elsewhere["flows"]["train"]["pipeline"] = "go_on"
    machine.write("/srv/flights/conf/base/prefect.yml", yaml.safe_dump(elsewhere))
    machine.sh("systemd-analyze verify /etc/systemd/system/flights-*.service")
    for command in guide.commands("Services"):
        machine.sh(command)
    wait_until(lambda: "waiting for flow runs" in machine.sh("journalctl -u flights-agent"), "the agent")

    # Each service can be restarted while a flow run goes on.
    machine.flights("kedro prefect register")
    started = machine.flights("kedro prefect run train")
    wait_until(lambda: "going-on" in machine.flights("ls data"), "the node")
    machine.sh("systemctl restart flights-api flights-agent")
    machine.flights("touch data/enough")
    runs: list[str] = []

    def ended() -> bool:
        runs.append(machine.flights("kedro prefect runs"))
        return "Success" in runs[-1] or "Failed" in runs[-1]

    try:
        wait_until(ended, "the end of the flow run")
    finally:
        print(started, runs[-1:], machine.sh("cat /srv/flights/.kedro_prefect/logs/*.log"))
    assert "Success" in runs[-1]

    # A reverse proxy: what a client elsewhere sees.
    machine.sh(CERTIFICATE)
    machine.write("/etc/nginx/conf.d/prefect.conf", guide.text("nginx", "Reverse proxy"))
    machine.sh("nginx -t && systemctl restart nginx")
    token = machine.sh("cat /srv/flights/.kedro_prefect/token").strip()
    machine.write("/root/token", token + "\n")
    settings = " && ".join(guide.commands("Token"))
    asked = "prefect get flow-runs --limit 5"
    trust = "export REQUESTS_CA_BUNDLE=/etc/ssl/prefect.pem"
    assert "train" in machine.sh(f"{trust} && {settings} && {asked}", folder="/root")
    code = """import requests
url = "https://prefect.example.com/"
print(requests.get(url).text, requests.post(url, json={"query": "{hello}"}).status_code)"""
    page = machine.sh(f"{trust} && python -c {shlex.quote(code)}").strip()
    assert "<html" in page
    assert page.endswith(" 401"), "without the token"

    # A copy, a loss, and what the copy lacks.
    (backup,) = guide.commands("Backup")
    machine.flights(backup)
    machine.sh("systemctl stop flights-agent flights-api")
    restore = "cp /backup/flights.sqlite api.sqlite && rm -f api.sqlite-wal api.sqlite-shm"
    machine.flights(f"cd .kedro_prefect && echo broken > api.sqlite && {restore}")
    assert "unchanged" in machine.flights("kedro prefect register")
    machine.sh("systemctl start flights-api flights-agent")
    wait_until(lambda: "Success" in machine.flights("kedro prefect runs || true"), "the history")
