"""The reference matches the code: generated pages are up to date, and environment variables are complete."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pydantic
import pytest

import kedro_prefect_hooks
from tests.docs.pages import DOCS, PAGES, ROOT

LINKING = [
    *PAGES,
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples" / "flights" / "README.md",
]


PYDANTIC = tuple(map(int, pydantic.VERSION.split(".")[:2]))


@pytest.mark.skipif(PYDANTIC < (2, 11), reason="pydantic before 2.11, the last for Python 3.8, adds defaults")
def test_the_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        cwd=str(ROOT),
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_our_environment_variables_are_the_same_in_the_reference_and_in_the_code() -> None:
    pattern = re.compile(r"\bKEDRO_PREFECT_[A-Z_]+[A-Z]\b")
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "kedro_prefect_hooks").rglob("*.py"))
    page = (DOCS / "reference" / "environment-variables.md").read_text(encoding="utf-8")
    assert set(pattern.findall(page)) == set(pattern.findall(code))


def test_no_other_page_names_an_unknown_variable() -> None:
    pattern = re.compile(r"\bKEDRO_PREFECT_[A-Z_]+[A-Z]\b")
    reference = (DOCS / "reference" / "environment-variables.md").read_text(encoding="utf-8")
    for page in PAGES:
        found = set(pattern.findall(page.read_text(encoding="utf-8")))
        assert found <= set(pattern.findall(reference)), page


LINK = re.compile(r"\]\(([^)]+)\)")
PICTURES = {".png", ".svg"}


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert links or page != ROOT / "README.md"
    for link in links:
        path, _, heading = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if target.suffix in PICTURES:
            assert heading in ("", "only-light", "only-dark"), link
        else:
            assert not heading or heading in headings(target), link


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as MkDocs makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in found}


def test_each_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert pages == set(re.findall(r"[:-] ([\w/-]+\.md)$", navigation, re.MULTILINE))


def test_each_picture_is_shown() -> None:
    shown = {
        name for page in PAGES for name in re.findall(r"pictures/([\w.-]+)", page.read_text(encoding="utf-8"))
    }
    assert shown == {path.name for path in (DOCS / "assets" / "pictures").iterdir()}


def test_the_site_has_the_version_of_the_package() -> None:
    sys.path.insert(0, str(DOCS))
    try:
        mkdocs_hooks = importlib.import_module("mkdocs_hooks")
    finally:
        sys.path.remove(str(DOCS))
    assert mkdocs_hooks.version() == kedro_prefect_hooks.__version__
    with pytest.raises(ValueError, match="loads https:"):
        mkdocs_hooks.on_post_page('<img src="https://example.com/a.png">', Page())
    assert mkdocs_hooks.on_post_page('<a href="https://example.com">', Page()) is not None


class Page:
    """As much of a page of MkDocs as is asked for."""

    url = "index.html"
