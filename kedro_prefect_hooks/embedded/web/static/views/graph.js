// The task graph as SVG: boxes in layers, coloured and marked by state. The server lays it out, once; states are
// shown on it as they come. Zoom by buttons, keys and Ctrl+wheel; arrow keys walk along the lines.

import { derive, Refused, Unauthorized, Unreachable } from "../api.js";
import { h, icon, s, show } from "../dom.js";
import { family, inWords } from "../states.js";

const SIZE = { width: 200, height: 34 };
const MARGIN = 16;
const ICON_WIDTH = 33;
const BEHIND_TEXT = 12;
const MAX_WIDTH = 700; // of a box; longer names lose their middle
const PROGRESS_WIDTH = 62; // for such as 1000/1000
const ZOOM = { min: 0.15, max: 2 };
const LAYOUT_TIMEOUT = 60_000; // milliseconds; large graphs take a few seconds
const KEPT_LAYOUTS = 10;

export const isParameter = (task) => /(^|\.)Parameter$/.test(task.type ?? "");

const ruler = document.createElement("canvas").getContext("2d");

/** How wide the box of a task must be for its whole name. */
function widthOf(name, taken = 0) {
  ruler.font = `550 13px ${getComputedStyle(document.body).fontFamily}`;
  return Math.min(MAX_WIDTH, Math.max(SIZE.width, Math.ceil(ruler.measureText(name).width) + ICON_WIDTH + BEHIND_TEXT + taken));
}

/** The part of a name that fits. The middle is left out, because similar names differ at their ends. */
function shortened(text, width) {
  ruler.font = `550 13px ${getComputedStyle(document.body).fontFamily}`;
  let kept = text.length;
  let short = text;
  while (ruler.measureText(short).width > width && kept > 4) {
    kept -= 1;
    short = `${text.slice(0, Math.ceil(kept * 0.6))}…${text.slice(text.length - Math.floor(kept * 0.4))}`;
  }
  return short;
}

function path(points) {
  const [[x, y], ...rest] = points;
  let line = `M${x} ${y}`;
  let [fromX, fromY] = [x, y];
  for (const [toX, toY] of rest) {
    const middle = (fromX + toX) / 2;
    line += fromY === toY ? `H${toX}` : `C${middle} ${fromY} ${middle} ${toY} ${toX} ${toY}`;
    [fromX, fromY] = [toX, toY];
  }
  return line;
}

const layouts = new Map(); // flow id → layout; the graph of a flow version never changes

async function layoutOf(flowId, boxes, edges) {
  if (!layouts.has(flowId)) {
    layouts.set(flowId, await derive("layout", { boxes, edges }, LAYOUT_TIMEOUT));
    if (layouts.size > KEPT_LAYOUTS) layouts.delete(layouts.keys().next().value);
  }
  return layouts.get(flowId);
}

export class TaskGraph {
  /** @param onSelect is called with a task's id, or with null if the selected one was clicked again. */
  constructor(flowId, tasks, edges, onSelect = null) {
    this.flowId = flowId;
    this.tasks = new Map(tasks.map((task) => [task.id, task]));
    this.onSelect = onSelect;
    this.boxes = new Map();
    this.lines = [];
    this.mapped = new Set(edges.filter((edge) => edge.mapped).map((edge) => edge.downstream_task_id));
    this.before = new Map(tasks.map((task) => [task.id, []]));
    this.after = new Map(tasks.map((task) => [task.id, []]));
    // Two tasks may share several edges, one for each argument.
    this.pairs = [...new Map(edges.map((edge) => {
      const pair = [edge.upstream_task_id, edge.downstream_task_id];
      return [pair.join(" "), pair];
    })).values()];
    for (const [from, to] of this.pairs) {
      this.after.get(from).push(to);
      this.before.get(to).push(from);
    }
    this.element = h("div", { class: "graph", "data-opaque": true, "data-key": `graph-${flowId}` },
      h("p", { class: "muted graph-message" }, tasks.length ? "Drawing the graph …" : "This flow has no tasks."));
    this.isRequested = tasks.length === 0;
  }

  /** Have the graph laid out and drawn, unless that has been done. */
  async draw() {
    if (this.isRequested) return;
    this.isRequested = true;
    const index = new Map([...this.tasks.keys()].map((id, at) => [id, at]));
    const boxes = [...this.tasks.values()].map((task) => [this.boxWidth(task), SIZE.height]);
    const edges = this.pairs.map((pair) => pair.map((id) => index.get(id)));
    try {
      this.build(await layoutOf(this.flowId, boxes, edges));
    } catch (error) {
      if (error instanceof Refused) return show(this.element, h("p", { class: "muted graph-message" }, error.message));
      if (!(error instanceof Unreachable || error instanceof Unauthorized)) throw error;
      // The view reports this, and draws again with its next refresh.
      this.isRequested = false;
    }
  }

  boxWidth(task) {
    return widthOf(task.name, this.mapped.has(task.id) ? PROGRESS_WIDTH : 0);
  }

  /** Dim the tasks whose names do not have this text, and show the first that has it. */
  find(text) {
    if (text === (this.found ?? "") || !this.boxes.size) return;
    this.found = text;
    const matching = [...this.boxes].filter(([id, box]) => {
      const matches = this.tasks.get(id).name.toLowerCase().includes(text);
      box.group.classList.toggle("dim", !matches);
      return matches;
    });
    if (text && matching.length) matching[0][1].group.scrollIntoView({ block: "nearest", inline: "center" });
  }

  close() {
    this.isClosed = true;
    this.observer?.disconnect();
  }

  build(layout) {
    if (this.isClosed) return;
    const width = layout.width + 2 * MARGIN;
    const height = layout.height + 2 * MARGIN;
    this.width = width;
    this.height = height;
    this.lines = this.pairs.map(([from, to], at) => ({
      from, to, element: s("path", { class: "line", d: path(layout.lines[at]), "marker-end": "url(#arrow)" }),
    }));
    this.svg = s("svg", { viewBox: `${-MARGIN} ${-MARGIN} ${width} ${height}`, role: "group", "aria-label": "Task graph; use the arrow keys to go from task to task" },
      s("defs", {}, s("marker", { id: "arrow", viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "7", markerHeight: "7", orient: "auto" },
        s("path", { d: "M0 1l7 3-7 3z" }))),
      s("g", { class: "lines" }, this.lines.map((line) => line.element)),
      s("g", {}, [...this.tasks.values()].map((task, at) => this.box(task, { x: layout.boxes[at][0], y: layout.boxes[at][1] }))));
    this.boxes.values().next().value.group.setAttribute("tabindex", "0");
    this.scroll = h("div", { class: "graph-scroll" }, this.svg);
    // Not on the SVG: an SVG that listens for focus can be focused itself.
    this.scroll.addEventListener("keydown", (event) => this.key(event));
    this.scroll.addEventListener("focusin", (event) => this.highlight(event.target.closest("[data-task]")?.dataset.task));
    this.scroll.addEventListener("focusout", () => this.highlight(this.selected));
    this.scroll.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.drag();
    const button = (label, text, onclick) => h("button", { type: "button", "aria-label": label, title: label, onclick }, text);
    this.element.replaceChildren(
      h("div", { class: "graph-tools", role: "group", "aria-label": "Zoom" },
        h("span", { class: "muted" }, "Drag to move, Ctrl+wheel to zoom, arrow keys to go from task to task"),
        button("Zoom out", "−", () => this.zoom(1 / 1.3)), button("Zoom in", "+", () => this.zoom(1.3)), button("Fit to window", "Fit", () => this.fit())),
      this.scroll);
    // The size of the visible part is known only while it is on the page.
    this.observer = new ResizeObserver(() => {
      if (!this.scroll.clientWidth || this.zoomed) return;
      this.fit();
      if (!this.isRevealed) this.reveal();
      this.isRevealed = true;
    });
    this.observer.observe(this.scroll);
    if (this.states) this.showStates(this.states, this.progress);
    const { selected } = this;
    this.selected = null;
    this.select(selected);
  }

  box(task, at) {
    const mark = icon("pending");
    for (const [name, value] of [["x", 10], ["y", 9], ["width", 16], ["height", 16]]) mark.setAttribute(name, value);
    const isMapped = this.mapped.has(task.id);
    const width = this.boxWidth(task);
    const name = isMapped ? `${task.name}, mapped` : task.name;
    const title = s("title", {}, name);
    const progress = s("text", { class: "progress", x: width - 10, y: SIZE.height / 2, "dominant-baseline": "central", "text-anchor": "end" });
    const group = s("g", { class: `box pending ${isParameter(task) ? "parameter" : ""}`, transform: `translate(${at.x} ${at.y})`, tabindex: "-1", role: this.onSelect ? "button" : "img", "aria-label": name, "data-task": task.id },
      title,
      // A mapped task looks like several, one behind the other.
      isMapped ? [6, 3].map((by) => s("rect", { class: "behind", x: by, y: by, width, height: SIZE.height, rx: 7 })) : [],
      s("rect", { width, height: SIZE.height, rx: isParameter(task) ? SIZE.height / 2 : 7 }),
      mark,
      s("text", { x: ICON_WIDTH, y: SIZE.height / 2, "dominant-baseline": "central" }, shortened(task.name, width - ICON_WIDTH - 4 - (isMapped ? PROGRESS_WIDTH : 0))), progress);
    group.addEventListener("click", () => this.toggle(task.id));
    this.boxes.set(task.id, { group, mark, title, progress, name, at, state: null });
    return group;
  }

  /** Show the states of a run: task id → state; and of mapped tasks, how many of how many have finished. */
  showStates(states, progress = new Map()) {
    this.states = states;
    this.progress = progress;
    for (const [id, box] of this.boxes) {
      const state = states.get(id) ?? "Pending";
      const done = progress.get(id) ?? "";
      if (box.state === state && box.progress.textContent === done) continue;
      box.progress.textContent = done;
      const words = `${inWords(state)}${done && `, ${done}`}`;
      box.group.classList.remove(family(box.state));
      box.group.classList.add(family(state), "stateful");
      box.mark.firstChild.setAttribute("href", `#icon-${family(state)}`);
      box.title.textContent = `${box.name}: ${words}`;
      box.group.setAttribute("aria-label", `${box.name}, ${words}`);
      box.state = state;
    }
  }

  toggle(id) {
    this.onSelect?.(id === this.selected ? null : id);
  }

  select(id) {
    if (this.selected === id) return;
    this.boxes.get(this.selected)?.group.classList.remove("selected");
    this.boxes.get(id)?.group.classList.add("selected");
    this.selected = id;
    this.highlight(id);
  }

  /** Highlight the lines of a task. */
  highlight(id) {
    for (const line of this.lines) line.element.classList.toggle("lit", line.from === id || line.to === id);
  }

  key(event) {
    const group = event.target.closest("[data-task]");
    if (!group) return;
    const id = group.dataset.task;
    const next = this.neighbour(id, event.key);
    if (next) this.go(next, group);
    else if (event.key === "Enter" || event.key === " ") this.toggle(id);
    else if (event.key === "+") this.zoom(1.3);
    else if (event.key === "-") this.zoom(1 / 1.3);
    else return;
    event.preventDefault();
  }

  neighbour(id, key) {
    const { at } = this.boxes.get(id);
    const nearest = (ids) => [...ids].sort((one, other) => Math.abs(this.boxes.get(one).at.y - at.y) - Math.abs(this.boxes.get(other).at.y - at.y))[0];
    if (key === "ArrowRight") return nearest(this.after.get(id));
    if (key === "ArrowLeft") return nearest(this.before.get(id));
    if (key !== "ArrowDown" && key !== "ArrowUp") return null;
    const sign = key === "ArrowDown" ? 1 : -1;
    const column = [...this.boxes].filter(([, box]) => box.at.x === at.x && (box.at.y - at.y) * sign > 0).map(([each]) => each);
    return nearest(column);
  }

  go(id, from) {
    from.setAttribute("tabindex", "-1");
    const { group } = this.boxes.get(id);
    group.setAttribute("tabindex", "0");
    group.focus();
    group.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  scale(factor) {
    this.factor = Math.min(ZOOM.max, Math.max(ZOOM.min, factor));
    this.svg.setAttribute("width", Math.round(this.width * this.factor));
    this.svg.setAttribute("height", Math.round(this.height * this.factor));
  }

  /** Show the whole graph, but not so small that it becomes unreadable. */
  fit() {
    const height = Math.max(260, Math.min(window.innerHeight * 0.6, 560));
    this.scale(Math.min(1, Math.max(0.5, Math.min((this.scroll.clientWidth - 4) / this.width, height / this.height))));
    this.zoomed = false;
  }

  /** Scroll to what a person looks for in a graph that is larger than the window: a task that failed or runs, or the first. */
  reveal() {
    const boxes = [...this.boxes.values()];
    const of = (wanted) => boxes.find((box) => family(box.state) === wanted && box.state);
    const { at } = of("failed") ?? of("running") ?? boxes.reduce((one, other) => (other.at.x < one.at.x ? other : one));
    this.scroll.scrollLeft = at.x * this.factor - this.scroll.clientWidth / 3;
    this.scroll.scrollTop = at.y * this.factor - this.scroll.clientHeight / 2;
  }

  /** Zoom by a factor around the point (x, y) of the visible part, by default its middle. */
  zoom(by, x = this.scroll.clientWidth / 2, y = this.scroll.clientHeight / 2) {
    const old = this.factor;
    this.zoomed = true;
    this.scale(old * by);
    const ratio = this.factor / old;
    this.scroll.scrollLeft = (this.scroll.scrollLeft + x) * ratio - x;
    this.scroll.scrollTop = (this.scroll.scrollTop + y) * ratio - y;
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const frame = this.scroll.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 300), event.clientX - frame.left, event.clientY - frame.top);
  }

  drag() {
    let from = null;
    this.scroll.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0 && !event.target.closest("[data-task]")) {
        from = { x: event.clientX + this.scroll.scrollLeft, y: event.clientY + this.scroll.scrollTop };
        this.scroll.setPointerCapture(event.pointerId);
      }
    });
    this.scroll.addEventListener("pointermove", (event) => {
      if (!from) return;
      this.scroll.scrollLeft = from.x - event.clientX;
      this.scroll.scrollTop = from.y - event.clientY;
    });
    for (const end of ["pointerup", "pointercancel"]) this.scroll.addEventListener(end, () => (from = null));
  }
}
