"""What the drawings of a flow show, and that the web page is self-contained."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable
from xml.etree import ElementTree

import pytest

from kedro_prefect_hooks.drawing.graph import Edge, Graph, Vertex
from kedro_prefect_hooks.drawing.html import page
from kedro_prefect_hooks.drawing.mermaid import mermaid
from kedro_prefect_hooks.drawing.svg import svg
from tests.scenarios.project_factory import Project
from tests.scenarios.scenarios import chain, traps

NASTY = 'a "quoted" <script>alert(1)</script> & #name; ]) 数据'

GRAPH = Graph(
    NASTY,
    (
        Vertex("p0", "parameter", "model.size"),
        Vertex("t0", "task", NASTY, notes=("retries: 2",)),
        Vertex("t1", "task", "group", inside=("one", "two<b>")),
        Vertex("d0", "dataset", "end"),
        Vertex("t2", "task", "each", notes=("partitions per task: 5",), mapped_over="raw<b>"),
    ),
    (Edge("p0", "t0", "parameter"), Edge("t0", "t1", "memory", ("x", "y")), Edge("t1", "d0", "dataset")),
    (("about", NASTY),),
)


def test_svg_is_well_formed_and_shows_everything() -> None:
    root = ElementTree.fromstring(svg(GRAPH))
    text = " ".join("".join(element.itertext()) for element in root.iter())
    for name in (
        NASTY,
        "model.size",
        "group",
        "one",
        "two<b>",
        "end",
        "retries: 2",
        "in memory: x, y",
        "mapped over raw<b>",
    ):
        assert name in text
    boxes = {each.get("id"): len(each.findall("{*}rect")) for each in root.iter() if each.get("id")}
    assert (boxes["t0"], boxes["t2"]) == (1, 3), "a mapped task is several, one behind the other"
    assert not [element for element in root.iter() if element.tag.endswith("script")]


def test_a_page_loads_nothing_and_no_name_becomes_code() -> None:
    text = page(GRAPH)
    assert text.count("<script>") == 1, "the page's own"
    assert set(re.findall(r"https?://[^\"' <)]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "src=" not in text and "@import" not in text and "url(http" not in text
    assert "default-src 'none'" in text


def test_mermaid_escapes_what_would_end_a_string() -> None:
    lines = mermaid(GRAPH).splitlines()
    assert lines[0] == "flowchart TD"
    assert '    t1["group<br/><i>one</i><br/><i>two#lt;b#gt;</i>"]' in lines
    assert '    d0[("end")]' in lines
    assert '    t2[["each<br/><i>mapped over raw#lt;b#gt;</i>"]]' in lines
    assert '    t0 -->|"x, y"| t1' in lines
    assert "    p0 -.-> t0" in lines
    label = lines[2].split('"')
    assert len(label) == 3, "one pair of quotes around the nasty name"
    assert "<script" not in mermaid(GRAPH)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Project:
    flows = {"all": {"parameters": ["rows"]}, "few": {"group_by": "memory"}}
    return traps(tmp_path_factory.mktemp("graph") / "traps", prefect={"flows": flows})


def test_the_command_writes_each_format(drawn: Project, kedro: Callable[..., Any]) -> None:
    assert "Wrote all.html: flow 'all' with " in kedro(drawn, "prefect", "graph", "all", ok=True).stdout
    for name in ("few.svg", "few.mmd", "few.md"):
        kedro(drawn, "prefect", "graph", "few", "-o", name, ok=True)
    ElementTree.parse(drawn.path / "few.svg")
    assert (drawn.path / "few.md").read_text().startswith("```mermaid\nflowchart TD\n")
    assert (drawn.path / "few.mmd").read_text() in kedro(
        drawn, "prefect", "graph", "few", "--mermaid", ok=True
    ).stdout
    wrong = kedro(drawn, "prefect", "graph", "few", "-o", "few.png")
    assert wrong.returncode == 2
    assert "found '.png', expected .html, .svg, .mmd or .md" in wrong.stdout


def test_tasks_groups_parameters_and_datasets_are_what_the_flow_has(
    drawn: Project, kedro: Callable[..., Any]
) -> None:
    kedro(drawn, "prefect", "graph", "all", "-o", "all.mmd", ok=True)
    kedro(drawn, "prefect", "graph", "few", "-o", "few.mmd", ok=True)
    every, few = ((drawn.path / name).read_text() for name in ("all.mmd", "few.mmd"))
    assert re.search(r'p0\{\{"rows"\}\}', every)
    for dataset in ("versioned_first", "table", "guarded", "inbox"):
        assert re.search(rf'd\d+\[\("{dataset}"\)\]', every), dataset
    assert '"table@pandas"' not in every, "one file, whatever it is read as"
    ids = {name: id for id, name in re.findall(r'(t\d+)\["([^"<]+)"\]', every)}
    table = re.findall(r'(d\d+)\[\("table"\)\]', every)[0]
    assert f"{ids['group_frame']} --> {table}" in every
    assert f"{table} --> {ids['count_lines']}" in every
    assert f'{ids["make_frame"]} -->|"' in every
    assert few.count('["') < every.count('["')
    assert "(9 nodes)<br/><i>read_inbox</i>" in few


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_draws_the_page(tmp_path: Path, kedro: Callable[..., Any]) -> None:
    project = chain(tmp_path / "project", 3, prefect={"flows": {"chain": {}}})
    kedro(project, "prefect", "graph", "chain", ok=True)
    file = project.path / "chain.html"
    # The probe writes what it finds to the title, where `--dump-dom` shows it.
    probe = (
        "<script>document.querySelector('#t1').focus(); document.title = JSON.stringify({"
        "on: document.querySelectorAll('g.on').length,"
        "details: document.getElementById('details').textContent,"
        "wide: document.documentElement.scrollWidth <= innerWidth});</script></body>"
    )
    file.write_text(file.read_text().replace("</body>", probe))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=400,700"]
    options += ["--virtual-time-budget=3000", f"--user-data-dir={tmp_path / 'chromium'}", "--dump-dom"]
    dom = subprocess.run(
        [str(CHROMIUM), *options, file.as_uri()], capture_output=True, text=True, timeout=120, check=True
    ).stdout
    title = re.search("<title>(.*?)</title>", dom)
    assert title is not None
    assert '"on":4' in title[1], (
        "the three tasks of the chain and its dataset are connected to the middle task"
    )
    assert '"details":"node_1' in title[1]
    assert '"wide":true' in title[1], "a phone shows it without scrolling the whole page sideways"
