"""The reference says what the code has: pages made from the code are up to date, variables are all named."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.docs.pages import DOCS, PAGES, ROOT


def test_the_generated_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        cwd=str(ROOT),
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_each_environment_variable_of_ours_is_in_the_reference_and_in_the_code() -> None:
    pattern = re.compile(r"\bKEDRO_PREFECT_[A-Z_]+[A-Z]\b")
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "kedro_prefect_hooks").rglob("*.py"))
    page = (DOCS / "reference" / "environment-variables.md").read_text(encoding="utf-8")
    assert set(pattern.findall(page)) == set(pattern.findall(code))


def test_no_other_page_names_a_variable_that_is_none() -> None:
    pattern = re.compile(r"\bKEDRO_PREFECT_[A-Z_]+[A-Z]\b")
    reference = (DOCS / "reference" / "environment-variables.md").read_text(encoding="utf-8")
    for page in PAGES:
        found = set(pattern.findall(page.read_text(encoding="utf-8")))
        assert found <= set(pattern.findall(reference)), page


def test_links_of_the_readme_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", readme)
    assert links
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert not missing


def test_each_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert pages == set(re.findall(r": ([\w/-]+\.md)", navigation))
