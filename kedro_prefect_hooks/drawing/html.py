"""A graph as a page: the drawing, what it is of, and its key. One file, which asks no host for anything."""

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
.key { display: flex; flex-wrap: wrap; gap: 4px 14px; color: var(--dim); }
.key i { display: inline-block; width: 16px; height: 11px; border-radius: 3px; border: 1.4px solid;
  vertical-align: -1px; margin-right: 5px; }
.key .task i { background: var(--task); border-color: var(--task-line); }
.key .dataset i { background: var(--data); border-color: var(--data-line); border-radius: 6px; }
.key .memory i { background: var(--memory); border-color: var(--memory-line); border-style: dashed;
  border-radius: 6px; }
.key .parameter i { background: var(--param); border-color: var(--param-line); border-style: dotted; }
button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--edge);
  border-radius: 5px; padding: 2px 10px; cursor: pointer; }
main { flex: 1; overflow: auto; border-top: 1px solid var(--edge); }
main svg { display: block; margin: 0 auto; }
svg.some g[id], svg.some .edge { opacity: .22; }
svg.some g[id].on, svg.some .edge.on { opacity: 1; }
svg .edge.on { stroke-width: 2.4; }
svg g[id] { cursor: pointer; outline: none; }
svg g[id]:focus .box { stroke-width: 3; }
#told { color: var(--dim); min-height: 1.3em; padding: 0 20px 8px; white-space: pre-line; }
</style>
</head>
<body class="kp">
<header><h1>$name</h1><dl>$facts</dl></header>
<div class="bar">
<span class="key">$key</span>
<span><button type="button" data-zoom="0.8" aria-label="Smaller">&minus;</button>
<button type="button" data-zoom="1.25" aria-label="Larger">+</button>
<button type="button" data-zoom="fit">Fit</button></span>
</div>
<div id="told" role="status">Point at something to see what it is connected with.</div>
<main>
$drawing
</main>
<script>
"use strict";
const svg = document.querySelector("main svg"), main = document.querySelector("main");
const told = document.getElementById("told"), nothing = told.textContent;
const whole = svg.viewBox.baseVal, edges = [...svg.querySelectorAll(".edge")];
let zoom = 1;
function set(value) {
  zoom = Math.min(4, Math.max(0.05, value));
  svg.setAttribute("width", whole.width * zoom);
  svg.setAttribute("height", whole.height * zoom);
}
function fit(least) {
  set(Math.max(least, Math.min(1, main.clientWidth / whole.width, innerHeight * 0.8 / whole.height)));
}
document.querySelectorAll("[data-zoom]").forEach(button => button.addEventListener("click", () =>
  button.dataset.zoom === "fit" ? fit(0) : set(zoom * Number(button.dataset.zoom))));
main.addEventListener("wheel", event => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  set(zoom * (event.deltaY < 0 ? 1.1 : 0.9));
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
function show(box) {
  clear();
  svg.classList.add("some");
  for (const id of [...reach(box.id, "source", "target"), ...reach(box.id, "target", "source")])
    document.getElementById(id).classList.add("on");
  told.textContent = box.querySelector("title").textContent.split("\\n").join(" · ");
}
function clear() {
  svg.classList.remove("some");
  svg.querySelectorAll(".on").forEach(each => each.classList.remove("on"));
  told.textContent = nothing;
}
for (const box of svg.querySelectorAll("g[id]")) {
  box.addEventListener("mouseenter", () => show(box));
  box.addEventListener("focus", () => show(box));
  box.addEventListener("mouseleave", clear);
  box.addEventListener("blur", clear);
}
addEventListener("keydown", event => {
  if (event.key === "+") set(zoom * 1.25);
  if (event.key === "-") set(zoom * 0.8);
  if (event.key === "0") fit(0);
});
fit(0.6);  // smaller, nothing could be read
</script>
</body>
</html>
""")

_KEY = {
    "task": "task",
    "dataset": "persisted dataset",
    "memory": "dataset in memory",
    "parameter": "flow parameter",
}


def page(graph: Graph) -> str:
    """The page."""
    kinds = {vertex.kind for vertex in graph.vertices}
    return _PAGE.substitute(
        title=escape(f"{graph.name}, flow"),
        name=escape(graph.name),
        style=STYLE,
        facts="".join(
            f"<div><dt>{escape(what)}</dt><dd>{escape(value)}</dd></div>" for what, value in graph.facts
        ),
        key="".join(
            f'<span class="{kind}"><i></i>{text}</span>' for kind, text in _KEY.items() if kind in kinds
        ),
        drawing=svg(graph, alone=False),
    )
