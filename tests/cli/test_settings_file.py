"""Adding the hook to settings.py changes no other byte of it."""

from __future__ import annotations

import ast

import pytest

from kedro_prefect_hooks.cli.settings_file import CannotEdit, has_hook, with_hook

IMPORT = b"from kedro_prefect_hooks import PrefectHooks"

CASES = {
    "empty": (b"", IMPORT + b"\n\n\nHOOKS = (PrefectHooks(),)\n"),
    "docstring and comments": (
        b'"""Settings."""\n\n# HOOKS = (ProjectHooks(),)\n',
        b'"""Settings."""\n\n' + IMPORT + b"\n\n# HOOKS = (ProjectHooks(),)\n\nHOOKS = (PrefectHooks(),)\n",
    ),
    "a tuple of one": (
        b"from a.hooks import A\n\nHOOKS = (A(),)\nX = 1\n",
        b"from a.hooks import A\n" + IMPORT + b"\n\nHOOKS = (A(), PrefectHooks(),)\nX = 1\n",
    ),
    "a list": (b"HOOKS = [A()]\n", IMPORT + b"\n\nHOOKS = [A(), PrefectHooks()]\n"),
    "an empty tuple": (b"HOOKS = ()\n", IMPORT + b"\n\nHOOKS = (PrefectHooks(),)\n"),
    "an empty list": (b"HOOKS = []\n", IMPORT + b"\n\nHOOKS = [PrefectHooks()]\n"),
    "several lines": (
        b"import a\nHOOKS = (\n    A(),  # first\n    B(x=(1, 2)),\n)\n",
        b"import a\n"
        + IMPORT
        + b"\nHOOKS = (\n    A(),  # first\n    B(x=(1, 2)),\n    PrefectHooks(),\n)\n",
    ),
    "without parentheses": (b"HOOKS = A(), B()\n", IMPORT + b"\n\nHOOKS = A(), B(), PrefectHooks()\n"),
    "annotated": (b"HOOKS: tuple = (A(),)\n", IMPORT + b"\n\nHOOKS: tuple = (A(), PrefectHooks(),)\n"),
    "Windows line endings": (
        b"import a\r\nHOOKS = (A(),)\r\n",
        b"import a\r\n" + IMPORT + b"\r\nHOOKS = (A(), PrefectHooks(),)\r\n",
    ),
    "no newline at the end": (b"import a", b"import a\n" + IMPORT + b"\n\n\nHOOKS = (PrefectHooks(),)\n"),
    "characters of several bytes": (
        "# Größe 数\nHOOKS = (A('数'), B('ß'),)\n".encode(),
        IMPORT + "\n\n# Größe 数\nHOOKS = (A('数'), B('ß'), PrefectHooks(),)\n".encode(),
    ),
    "an import over several lines": (
        b"from a import (\n    b,\n    c,\n)\n\nX = 1\n",
        b"from a import (\n    b,\n    c,\n)\n" + IMPORT + b"\n\nX = 1\n\nHOOKS = (PrefectHooks(),)\n",
    ),
    "from __future__": (
        b"from __future__ import annotations\nHOOKS = ()\n",
        b"from __future__ import annotations\n" + IMPORT + b"\nHOOKS = (PrefectHooks(),)\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_only_the_hook_is_added(name: str) -> None:
    before, expected = CASES[name]
    after = with_hook(before)
    assert after.splitlines() == expected.splitlines()
    ast.parse(after)


@pytest.mark.parametrize("name", CASES)
def test_the_old_bytes_remain_in_order(name: str) -> None:
    before, _ = CASES[name]
    rest = iter(with_hook(before))
    assert all(byte in rest for byte in before), "the old file is a subsequence of the new one"


@pytest.mark.parametrize("name", CASES)
def test_it_is_never_added_twice(name: str) -> None:
    once = with_hook(CASES[name][0])
    assert with_hook(once) == once
    assert has_hook(once)


@pytest.mark.parametrize(
    "source",
    [
        b"import kedro_prefect_hooks\nHOOKS = (kedro_prefect_hooks.PrefectHooks(),)\n",
        b"from kedro_prefect_hooks import PrefectHooks\nhooks = [PrefectHooks()]\nHOOKS = tuple(hooks)\n",
        b"from kedro_prefect_hooks import PrefectHooks as P\nHOOKS = (P(),)\n",
        b"import kedro_prefect_hooks as k\nHOOKS = (k.PrefectHooks(),)\n",
        b"from kedro_prefect_hooks.hooks import PrefectHooks as P\nmine = P()\nHOOKS = (A(), mine)\n",
        b"from kedro_prefect_hooks import PrefectHooks\nHOOKS = ()\nHOOKS += (PrefectHooks(),)\n",
    ],
)
def test_a_file_with_the_hook_in_another_form_is_not_changed(source: bytes) -> None:
    assert with_hook(source) == source


@pytest.mark.parametrize(
    "source",
    [
        b"HOOKS = make_hooks()\n",
        b"HOOKS = (A(),) + others\n",
        b"HOOKS = (A(),)\nHOOKS += (B(),)\n",
        b"if debug:\n    HOOKS = (A(),)\nelse:\n    HOOKS = ()\n",
        b"HOOKS = ((A()),)\nHOOKS = ()\n",
        b"HOOKS = ((A()),)\n",
        b"from shop.hooks import HOOKS\n",
        b"from shop.hooks import ALL as HOOKS\n",
        b"import shop.hooks as HOOKS\n",
        b"from shop.hooks import *\n",
        b"from shop.hooks import *\n\nHOOKS = (A(),)\n",
        b"HOOKS, X = (A(),), 1\n",
        b"HOOKS = X = (A(),)\n",
        b"(HOOKS := (A(),))\n",
        b"HOOKS = (A(), *MORE)\n",
        b"HOOKS = (*MORE,)\n",
        b"HOOKS = []\nHOOKS.append(A())\n",
        b"HOOKS = (A(),)\nALL = HOOKS\n",
        b"HOOKS = (A(),)\ndel HOOKS\n",
        b"for HOOKS in [(A(),)]:\n    pass\n",
        b"globals()['HOOKS'] = (A(),)\n",
        b"exec('HOO' + 'KS = ()')\n",
        b"def HOOKS():\n    return ()\n",
        b"try:\n    HOOKS = (A(),)\nexcept NameError:\n    pass\n",
        b"from shop import PrefectHooks\nHOOKS = ()\n",
        b"from kedro_prefect_hooks import PrefectHooks\n\nHOOKS = (A(),)\n",
        b"from kedro_prefect_hooks import PrefectHooks as P\n\nUNUSED = P()\nHOOKS = (A(),)\n",
    ],
)
def test_hooks_in_an_unknown_form_are_not_changed(source: bytes) -> None:
    with pytest.raises(CannotEdit):
        with_hook(source)
