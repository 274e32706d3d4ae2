"""GraphQL over HTTP to a Prefect API, with our own timeouts and messages of one line.

Not Prefect's own client: it waits 15 seconds for each request, retries a refused HTTPS connection for 62, and
sleeps for three minutes and more when asked to slow down. Knows nothing of flows.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any, Callable, Mapping, TypeVar
from urllib.parse import urlsplit

import prefect
import requests

from kedro_prefect_hooks.api.transport import Transport
from kedro_prefect_hooks.errors import ApiError

PATIENCE = 120.0
"""Seconds for a request after the API's first answer: real servers take long over many tasks."""

MAX_BYTES = 256 * 1024 * 1024
"""Of one answer; a flow of 10,000 tasks has about 20 MB."""

Result = TypeVar("Result")


class HttpTransport(Transport):
    """One API, and one connection to it that is reused.

    Args:
        url: the API's.
        timeout: how long its first answer may take in total, in seconds.
        api_key: sent as a bearer token, when there is one.
        tenant_id: the tenant whose data is used; sent together with a key, as Prefect's client does.
        hint: for messages: what to do when the API cannot be used.
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
        super().__init__(url.rstrip("/"), hint)
        self.timeout = timeout
        self._answered = False
        self._session = requests.Session()
        if urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1"):
            # A proxy from the environment must not come between two processes on one machine.
            self._session.trust_env = False
        self._session.headers["X-PREFECT-CORE-VERSION"] = str(prefect.__version__)
        if api_key:
            self._session.headers["Authorization"] = f"Bearer {api_key}"
            if tenant_id:
                self._session.headers["X-PREFECT-TENANT-ID"] = tenant_id

    def close(self) -> None:
        self._session.close()

    def graphql(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        # Prefect's client sends the variables as a string of JSON, which every server therefore accepts.
        body = json.dumps({"query": document, "variables": json.dumps(variables)}).encode()
        seconds = PATIENCE if self._answered else self.timeout
        # The timeouts of requests are per address of a host name and per piece of an answer.
        response = _call_within(seconds, lambda: self._post(body, seconds), self._timed_out)
        data = self._data(*response)
        self._answered = True
        return data

    def _post(self, body: bytes, timeout: float) -> tuple[requests.Response, bytes]:
        try:
            response = self._session.post(
                self.url,
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=timeout,
                allow_redirects=False,  # a POST that is redirected becomes a GET
                stream=True,
            )
            return response, self._content(response)
        except requests.Timeout:
            raise self._timed_out(timeout) from None
        except requests.exceptions.SSLError as error:
            raise self.failure(f"cannot be reached over HTTPS ({_innermost_message(error)})") from None
        except requests.RequestException as error:
            raise self.failure(f"is unreachable ({_innermost_message(error)})") from None

    def _content(self, response: requests.Response) -> bytes:
        """Read the whole answer, up to a limit."""
        content = bytearray()
        for chunk in response.iter_content(1024 * 1024):
            content += chunk
            if len(content) > MAX_BYTES:
                response.close()
                raise self.failure(f"responded with more than {MAX_BYTES // 1024**2} MB")
        return bytes(content)

    def _data(self, response: requests.Response, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        errors = answer.get("errors") if isinstance(answer, dict) else None
        status = response.status_code
        if errors and status in (200, 400):
            raise self.refusal(errors)
        if status in (401, 403):
            raise self.failure(f"denied access (HTTP {status}): check PREFECT__CLOUD__API_KEY")
        if status == 429:
            raise self.failure("asked to slow down (HTTP 429); try again in a few minutes")
        if 300 <= status < 400:
            target = response.headers.get("Location", "no URL")
            raise self.failure(f"redirected the request to {target} (HTTP {status})")
        if status != 200:
            raise self.failure(f"responded with HTTP {status} {response.reason or ''}".rstrip())
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
            raise self.unexpected_response(response.headers.get("Content-Type", "no content").split(";")[0])
        data: dict[str, Any] = answer["data"]
        return data

    def _timed_out(self, seconds: float) -> ApiError:
        setting = "" if self._answered else " (`register.timeout`)"
        return self.failure(f"did not respond within {seconds:g} s{setting}")


def _call_within(
    seconds: float, call: Callable[[], Result], timed_out: Callable[[float], ApiError]
) -> Result:
    """Call in a thread, and abandon it when it takes longer: a DNS lookup cannot be interrupted."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="request-to-prefect-api", daemon=True)
    thread.start()
    thread.join(seconds + 0.5)
    if errors:
        raise errors[0]
    if not results:
        raise timed_out(seconds)
    return results[0]


def _innermost_message(error: BaseException) -> str:
    """The operating system's message, unwrapped from the exceptions of requests and urllib3."""
    for arg in getattr(error, "args", ()):
        reason = getattr(arg, "reason", arg)
        if isinstance(reason, BaseException):
            return _innermost_message(reason)
    message = getattr(error, "strerror", None) or str(error).rsplit(": ", 1)[-1].strip(" '\")")
    return re.sub(r"^\[Errno -?\d+\] ", "", str(message)) or type(error).__name__
