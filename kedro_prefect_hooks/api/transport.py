"""GraphQL over HTTP to a Prefect API, with our own patience and errors that a person can read.

Not Prefect's own client for this: it waits 15 seconds for each silent request, retries a refused https
connection for 62, and sleeps three minutes and more at a time when told to slow down. Knows nothing of flows.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any, Callable, Mapping, TypeVar
from urllib.parse import urlsplit

import prefect
import requests

from kedro_prefect_hooks.errors import ApiError

PATIENCE = 120.0
"""Seconds for a request once the API has shown that it is there: real servers take long over many tasks."""

Result = TypeVar("Result")


class Refusal(ApiError):
    """The API is there, understood, and said no; `reasons` are its own words."""

    def __init__(self, message: str, reasons: list[str]) -> None:
        super().__init__(message)
        self.reasons = reasons


class Transport:
    """One API, and one connection to it that is used again.

    Args:
        url: the API's.
        timeout: how long its first answer may take in all, in seconds.
        api_key: sent as a bearer token, when there is one.
        tenant_id: whose data is meant; sent together with a key, as Prefect's client does.
        hint: what to do when the API is away, for messages.
    """

    def __init__(
        self,
        url: str,
        timeout: float,
        *,
        api_key: str | None = None,
        tenant_id: str | None = None,
        hint: str = "",
    ) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.hint = hint
        self.requests = 0
        self._answered = False
        self._session = requests.Session()
        if urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1"):
            # A proxy of the environment has no business between two processes of one machine.
            self._session.trust_env = False
        self._session.headers["X-PREFECT-CORE-VERSION"] = str(prefect.__version__)
        if api_key:
            self._session.headers["Authorization"] = f"Bearer {api_key}"
            if tenant_id:
                self._session.headers["X-PREFECT-TENANT-ID"] = tenant_id

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def graphql(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a query or mutation; returns its `data`.

        Raises:
            Refusal: the API answered with errors.
            ApiError: it is away, or is no Prefect API.
        """
        # Prefect's client sends the variables as a text of JSON; so the server knows it.
        body = json.dumps({"query": document, "variables": json.dumps(variables)}).encode()
        self.requests += 1
        if self._answered:
            return self._read(self._post(body, PATIENCE))
        # requests' own timeouts are for each address of a name and for each piece of an answer.
        response = _within(self.timeout, lambda: self._post(body, self.timeout), self._silent)
        data = self._read(response)
        self._answered = True
        return data

    def no_prefect(self, answered: str) -> ApiError:
        """The error for an answer that no Prefect API gives."""
        return self._away(
            f"answers with {answered}, which is not what a Prefect API says (is it the address of its page? "
            "Prefect Server's API is on port 4200)"
        )

    def _post(self, body: bytes, timeout: float) -> requests.Response:
        try:
            return self._session.post(
                self.url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=timeout,
                allow_redirects=False,  # a POST that is redirected becomes a GET
            )
        except requests.Timeout:
            raise self._silent(timeout) from None
        except requests.exceptions.SSLError as error:
            raise self._away(f"cannot be spoken to by https ({_innermost(error)})") from None
        except requests.RequestException as error:
            raise self._away(f"does not answer ({_innermost(error)})") from None

    def _read(self, response: requests.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if errors and response.status_code in (200, 400):
            said = [str(each.get("message") if isinstance(each, dict) else each) for each in errors]
            reasons = [" ".join(each.split()) for each in said]
            raise Refusal(f"The Prefect API at {self.url} says: {'; '.join(reasons)}", reasons)
        status = response.status_code
        if status in (401, 403):
            raise self._away(f"refuses access (HTTP {status}); is PREFECT__CLOUD__API_KEY right?")
        if status == 429:
            raise self._away("asks to slow down (HTTP 429); try again in some minutes")
        if 300 <= status < 400:
            raise self._away(
                f"sends elsewhere, to {response.headers.get('Location', 'nowhere')} (HTTP {status})"
            )
        if status != 200:
            raise self._away(f"answers HTTP {status} {response.reason or ''}".rstrip())
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
            raise self.no_prefect(response.headers.get("Content-Type", "something").split(";")[0])
        data: dict[str, Any] = answer["data"]
        return data

    def _silent(self, seconds: float) -> ApiError:
        setting = "" if self._answered else " (`register.timeout`)"
        return self._away(f"did not answer within {seconds:g} s{setting}")

    def _away(self, what: str) -> ApiError:
        return ApiError(f"The Prefect API at {self.url} {what}. {self.hint}".rstrip())


def _within(seconds: float, call: Callable[[], Result], too_late: Callable[[float], ApiError]) -> Result:
    """Call in a thread, and leave it behind when it takes longer: looking up a name cannot be interrupted."""
    outcome: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:  # handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="first question to the Prefect API", daemon=True)
    thread.start()
    thread.join(seconds + 0.5)
    if errors:
        raise errors[0]
    if not outcome:
        raise too_late(seconds)
    return outcome[0]


def _innermost(error: BaseException) -> str:
    """The system's own words out of the wrappings of requests and urllib3."""
    for arg in getattr(error, "args", ()):
        reason = getattr(arg, "reason", arg)
        if isinstance(reason, BaseException):
            return _innermost(reason)
    words = getattr(error, "strerror", None) or str(error).rsplit(": ", 1)[-1].strip(" '\")")
    return re.sub(r"^\[Errno -?\d+\] ", "", str(words)) or type(error).__name__
