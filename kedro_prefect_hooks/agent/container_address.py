"""The URL at which containers reach a Prefect API, found or asked for. Knows nothing of flow runs."""

from __future__ import annotations

import ipaddress
from typing import Any, Iterator, Sequence
from urllib.parse import urlsplit

import psutil
import requests

from kedro_prefect_hooks.command_lines import typed
from kedro_prefect_hooks.errors import ApiError

API_VARIABLE = "PREFECT__CLOUD__API"
"""The environment variable that tells a flow run where the API is."""

_SECONDS = 3
DOCKER_DESKTOP = "host.docker.internal"


def is_loopback(url: str) -> bool:
    """Whether a URL names the machine that uses it, so that in a container it names the container."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1", "0.0.0.0") or host.startswith("127.")


def for_pods(url: str) -> str:
    """The URL for the pods of a Kubernetes cluster.

    Raises:
        ApiError: only this machine reaches it.
    """
    if is_loopback(url):
        raise ApiError(
            f"Pods cannot reach the Prefect API at {url}: in a pod, that is the pod itself. Give the address "
            "at which the cluster reaches it with --api URL. (The embedded API listens at all of this "
            f"machine's addresses with `{typed('kedro prefect up --host 0.0.0.0')}`.)"
        )
    return url


def for_containers(url: str, client: Any, networks: Sequence[str] = ()) -> str:
    """The URL for Docker containers on this machine.

    Args:
        url: the one for this machine.
        client: Docker's client.
        networks: the networks of the containers; without any, Docker's default.

    Raises:
        ApiError: the API does not respond at an address that containers reach.
    """
    if not is_loopback(url):
        return url
    if "Docker Desktop" in str(client.info().get("OperatingSystem")):
        return _at(url, DOCKER_DESKTOP)  # it forwards this name to the loopback interface
    network = networks[0] if networks else "bridge"
    tried = list(_gateways(client, network))
    for address in tried:
        if _responds(_at(url, address)):
            return _at(url, address)
    where = " or ".join(_at(url, address) for address in tried) or "another address"
    host = tried[0] if tried else "0.0.0.0"
    raise ApiError(
        f"Containers cannot reach the Prefect API at {url}: in a container, that is the container itself. "
        f"The API does not respond at {where}, this machine on Docker's network '{network}'. Start the "
        f"embedded API with `{typed(f'kedro prefect up --host {host}')}` (or with `--host 0.0.0.0`), or give "
        "the address that containers reach with --api URL."
    )


def _gateways(client: Any, network: str) -> Iterator[str]:
    """This machine's addresses on one of Docker's networks."""
    own = [each.address for of_one in psutil.net_if_addrs().values() for each in of_one]
    for config in client.inspect_network(network)["IPAM"]["Config"] or ():
        subnet = ipaddress.ip_network(config["Subnet"], strict=False)
        yield from (address for address in own if _is_in(address, subnet))


def _is_in(address: str, subnet: Any) -> bool:
    try:
        return ipaddress.ip_address(address) in subnet
    except ValueError:  # of hardware, or with a scope
        return False


def _at(url: str, host: str) -> str:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"[{host}]{port}" if ":" in host else f"{host}{port}").geturl()


def _responds(url: str) -> bool:
    """Whether a Prefect API answers there, and accepts that it is called by that name."""
    session = requests.Session()
    session.trust_env = False  # containers do not use this machine's proxy
    try:
        return session.get(f"{url.rstrip('/')}/health", timeout=_SECONDS).status_code != 403
    except requests.RequestException:
        return False
