"""What secrets look like by themselves: tokens of known services, connection strings, URLs with a password.

Knows nothing of `prefect.yml`. A message never repeats a value that looks like one.
"""

from __future__ import annotations

import re

_QUERY = (
    "access_token|token|api_?key|password|passwd|pwd|secret|client_secret|sig|signature|x-amz-signature|auth"
)
_SHAPES = {
    "a URL with a password": r"[a-z][a-z0-9+.-]*://[^/\s:@?#]*:(?![$<{*])[^/\s@]+@",
    "a URL with a secret in its query": rf"[?&](?i:{_QUERY})=(?![$<{{]|&|$)[^&\s]+",
    "a connection string": r"(?i:(?:^|[;\s])(?:account ?key|shared ?access ?key|shared ?access "
    "?signature|password|pwd|"
    r"client ?secret)\s*=\s*(?![$<{;\s]|$)[^;\s]+)",
    "a webhook's URL": r"hooks\.slack\.com/(?:services|workflows)/\S|discord(?:app)?\.com/api/webhooks/\d|"
    r"webhook\.office\.com/webhookb2/\S",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}",
    "a GitLab token": r"\bgl(?:pat|dt|rt|cbt|ptt)-[\w-]{16,}",
    "a Slack token": r"\bxox[abeoprs]-[\w-]{10,}",
    "a Google API key": r"\bAIza[\w-]{30,}|\bya29\.[\w-]{16,}",
    "a Stripe key": r"\b[rs]k_(?:live|test)_\w{10,}",
    "an API key": r"\bsk-[\w-]{20,}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bhf_[A-Za-z0-9]{20,}|\bdapi[0-9a-f]{32}\b|"
    r"\bnpm_\w{30,}|\bpypi-AgE\w{16,}|\bdckr_pat_[\w-]{16,}|\bhv[sb]\.[\w-]{20,}|\bglsa_\w{20,}|\bdop_v1_\w{20,}",
    "a JSON web token": r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",
    "an authorization header": r"(?i:\b(?:bearer|basic)\s+)(?![$<{])[\w.~+/=-]{8,}",
}
_COMPILED = {name: re.compile(pattern) for name, pattern in _SHAPES.items()}


def secret_shape(text: str) -> str | None:
    """What a text looks like, such as ``a GitHub token``; None for what does not look like a secret."""
    return next((name for name, pattern in _COMPILED.items() if pattern.search(text)), None)
