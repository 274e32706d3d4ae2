"""A graph as a web page: the drawing, facts about it and a legend. One file, which loads nothing else."""

from __future__ import annotations

from html import escape
from string import Template

from kedro_prefect_hooks.drawing.graph import Graph
from kedro_prefect_hooks.drawing.svg import STYLE, svg

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>$title</title>
<style>
$style
body { margin: 0; background: var(--paper); color: var(--ink); min-height: 100vh; display: flex;
  flex-direction: column; }
header { padding: 14px 20px 4px; }
h1 { font-size: 20px; margin: 0 0 4px; }
dl { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 0; color: var(--dim); }
dl div { display: flex; gap: 6px; } dt::after { content: ":"; } dd { margin: 0; color: var(--ink); }
.bar { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; padding: 8px 20px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; color: var(--dim); }
.legend i { display: inline-block; width: 16px; height: 11px; border-radius: 3px; border: 1.4px solid;
  vertical-align: -1px; margin-right: 5px; }
.legend .task i { background: var(--task); border-color: var(--task-line); }
.legend .dataset i { background: var(--data); border-color: var(--data-line); border-radius: 6px; }
.legend .memory i { background: var(--memory); border-color: var(--memory-line); border-style: dashed;
  border-radius: 6px; }
.legend .parameter i { background: var(--param); border-color: var(--param-line); border-style: dotted; }
button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--edge);
  border-radius: 5px; padding: 2px 10px; cursor: pointer; }
main { flex: 1; overflow: auto; border-top: 1px solid var(--edge); }
main svg { display: block; margin: 0 auto; }
svg.highlighting g[id], svg.highlighting .edge { opacity: .22; }
svg.highlighting g[id].on, svg.highlighting .edge.on { opacity: 1; }
svg .edge.on { stroke-width: 2.4; }
svg g[id] { cursor: pointer; outline: none; }
svg g[id]:focus .box { stroke-width: 3; }
#details { color: var(--dim); min-height: 1.3em; padding: 0 20px 8px; white-space: pre-line; }
</style>
</head>
<body class="kp">
<header><h1>$name</h1><dl>$facts</dl></header>
<div class="bar">
<span class="legend">$legend</span>
<span><button type="button" data-zoom="0.8" aria-label="Zoom out">&minus;</button>
<button type="button" data-zoom="1.25" aria-label="Zoom in">+</button>
<button type="button" data-zoom="fit">Fit</button></span>
</div>
<div id="details" role="status">Point at a box, or press Tab, to see its connections.</div>
<main>
$drawing
</main>
<script>
"use strict";
const svg = document.querySelector("main svg"), main = document.querySelector("main");
const details = document.getElementById("details"), hint = details.textContent;
const drawing = svg.viewBox.baseVal, edges = [...svg.querySelectorAll(".edge")];
let zoom = 1;
function setZoom(value) {
  zoom = Math.min(4, Math.max(0.05, value));
  svg.setAttribute("width", drawing.width * zoom);
  svg.setAttribute("height", drawing.height * zoom);
}
function fit(minimum) {
  const [across, down] = [main.clientWidth / drawing.width, innerHeight * 0.8 / drawing.height];
  setZoom(Math.max(minimum, Math.min(1, across, down)));
}
document.querySelectorAll("[data-zoom]").forEach(button => button.addEventListener("click", () =>
  button.dataset.zoom === "fit" ? fit(0) : setZoom(zoom * Number(button.dataset.zoom))));
main.addEventListener("wheel", event => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  setZoom(zoom * (event.deltaY < 0 ? 1.1 : 0.9));
}, {passive: false});
function reach(start, from, to) {
  const seen = new Set([start]), todo = [start];
  while (todo.length) {
    const id = todo.pop();
    for (const edge of edges) if (edge.dataset[from] === id) {
      edge.classList.add("on");
      if (!seen.has(edge.dataset[to])) { seen.add(edge.dataset[to]); todo.push(edge.dataset[to]); }
    }
  }
  return seen;
}
function highlight(box) {
  clear();
  svg.classList.add("highlighting");
  for (const id of [...reach(box.id, "source", "target"), ...reach(box.id, "target", "source")])
    document.getElementById(id).classList.add("on");
  details.textContent = box.querySelector("title").textContent.split("\\n").join(" · ");
}
function clear() {
  svg.classList.remove("highlighting");
  svg.querySelectorAll(".on").forEach(element => element.classList.remove("on"));
  details.textContent = hint;
}
for (const box of svg.querySelectorAll("g[id]")) {
  box.addEventListener("mouseenter", () => highlight(box));
  box.addEventListener("focus", () => highlight(box));
  box.addEventListener("mouseleave", clear);
  box.addEventListener("blur", clear);
}
addEventListener("keydown", event => {
  if (event.key === "+") setZoom(zoom * 1.25);
  if (event.key === "-") setZoom(zoom * 0.8);
  if (event.key === "0") fit(0);
});
fit(0.6);  // any smaller would be unreadable
</script>
</body>
</html>
""")

_LEGEND = {
    "task": "task",
    "dataset": "persisted dataset",
    "memory": "in-memory dataset",
    "parameter": "flow parameter",
}


def page(graph: Graph) -> str:
    """The web page as HTML."""
    kinds = {vertex.kind for vertex in graph.vertices}
    return _PAGE.substitute(
        title=escape(f"{graph.name} · flow"),
        name=escape(graph.name),
        style=STYLE,
        facts="".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in graph.facts
        ),
        legend="".join(
            f'<span class="{kind}"><i></i>{text}</span>' for kind, text in _LEGEND.items() if kind in kinds
        ),
        drawing=svg(graph, standalone=False),
    )
