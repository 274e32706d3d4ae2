// The task graph as SVG: boxes in layers, coloured and marked by state. Laid out once; states are put on it
// as they come. Zoom by buttons, keys and Ctrl+wheel; arrow keys walk along the lines.

import { h, icon, s } from "../dom.js";
import { layout } from "../layout.js";
import { family, inWords } from "../states.js";

const SIZE = { width: 200, height: 34, gapX: 56, gapY: 14 };
const MARGIN = 16;
const ROOM = SIZE.width - 33 - 10; // for the text
const ZOOM = { least: 0.15, most: 2 };

export const isParameter = (task) => /(^|\.)Parameter$/.test(task.type ?? "");

const ruler = document.createElement("canvas").getContext("2d");

/** What fits into a box. Names that are alike differ at their ends, so the middle is what goes. */
function shortened(text) {
  ruler.font = `550 13px ${getComputedStyle(document.body).fontFamily}`;
  let kept = text.length;
  let short = text;
  while (ruler.measureText(short).width > ROOM && kept > 4) {
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

export class TaskGraph {
  /** @param onSelect gets a task's id, or null when it was chosen again. */
  constructor(tasks, edges, onSelect = null) {
    this.tasks = new Map(tasks.map((task) => [task.id, task]));
    this.onSelect = onSelect;
    this.boxes = new Map();
    this.before = new Map(tasks.map((task) => [task.id, []]));
    this.after = new Map(tasks.map((task) => [task.id, []]));
    const pairs = edges.map((edge) => [edge.upstream_task_id, edge.downstream_task_id]);
    for (const [from, to] of pairs) {
      this.after.get(from)?.push(to);
      this.before.get(to)?.push(from);
    }
    this.plan = layout([...this.tasks.keys()], pairs, SIZE);
    this.element = this.build();
    // The size of what the graph is in is known only once it is on the page.
    this.observer = new ResizeObserver(() => this.scroll.clientWidth && !this.zoomed && this.fit());
    this.observer.observe(this.scroll);
  }

  close() {
    this.observer.disconnect();
  }

  build() {
    if (!this.tasks.size) return h("p", { class: "muted", "data-opaque": true, "data-key": "no-tasks" }, "This flow has no tasks.");
    const width = this.plan.width + 2 * MARGIN;
    const height = this.plan.height + 2 * MARGIN;
    this.width = width;
    this.height = height;
    this.lines = this.plan.lines.map((line) => ({ ...line, element: s("path", { class: "line", d: path(line.points), "marker-end": "url(#arrow)" }) }));
    this.svg = s("svg", { viewBox: `${-MARGIN} ${-MARGIN} ${width} ${height}`, role: "group", "aria-label": "Task graph; arrow keys go from task to task" },
      s("defs", {}, s("marker", { id: "arrow", viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "7", markerHeight: "7", orient: "auto" },
        s("path", { d: "M0 1l7 3-7 3z" }))),
      s("g", { class: "lines" }, this.lines.map((line) => line.element)),
      s("g", {}, [...this.plan.boxes].map(([id, at]) => this.box(this.tasks.get(id), at))));
    this.boxes.values().next().value.group.setAttribute("tabindex", "0");
    this.scroll = h("div", { class: "graph-scroll" }, this.svg);
    // Not on the SVG: one that listens to focus can be focused itself.
    this.scroll.addEventListener("keydown", (event) => this.key(event));
    this.scroll.addEventListener("focusin", (event) => this.light(event.target.closest("[data-task]")?.dataset.task));
    this.scroll.addEventListener("focusout", () => this.light(this.selected));
    this.scroll.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.drag();
    const button = (label, text, onclick) => h("button", { type: "button", "aria-label": label, title: label, onclick }, text);
    return h("div", { class: "graph", "data-opaque": true, "data-key": `graph-${[...this.tasks.keys()][0]}` },
      h("div", { class: "graph-tools", role: "group", "aria-label": "Zoom" },
        h("span", { class: "muted" }, "Drag to move, Ctrl + wheel to zoom, arrow keys from task to task"),
        button("Zoom out", "−", () => this.zoom(1 / 1.3)), button("Zoom in", "+", () => this.zoom(1.3)), button("Show all of it", "Fit", () => this.fit())),
      this.scroll);
  }

  box(task, at) {
    const mark = icon("pending");
    for (const [name, value] of [["x", 10], ["y", 9], ["width", 16], ["height", 16]]) mark.setAttribute(name, value);
    const title = s("title", {}, task.name);
    const group = s("g", { class: `box pending ${isParameter(task) ? "parameter" : ""}`, transform: `translate(${at.x} ${at.y})`, tabindex: "-1", role: this.onSelect ? "button" : "img", "aria-label": task.name, "data-task": task.id },
      title,
      s("rect", { width: SIZE.width, height: SIZE.height, rx: isParameter(task) ? SIZE.height / 2 : 7 }),
      mark,
      s("text", { x: 33, y: SIZE.height / 2, "dominant-baseline": "central" }, shortened(task.name)));
    group.addEventListener("click", () => this.choose(task.id));
    this.boxes.set(task.id, { group, mark, title, at, state: null });
    return group;
  }

  /** Put the states of a run on the boxes: task id → state. */
  put(states) {
    for (const [id, box] of this.boxes) {
      const state = states.get(id) ?? "Pending";
      if (box.state === state) continue;
      const task = this.tasks.get(id);
      box.group.classList.remove(family(box.state));
      box.group.classList.add(family(state), "stateful");
      box.mark.firstChild.setAttribute("href", `#icon-${family(state)}`);
      box.title.textContent = `${task.name}: ${inWords(state)}`;
      box.group.setAttribute("aria-label", `${task.name}, ${inWords(state)}`);
      box.state = state;
    }
  }

  choose(id) {
    this.onSelect?.(id === this.selected ? null : id);
  }

  select(id) {
    if (this.selected === id) return;
    this.boxes.get(this.selected)?.group.classList.remove("selected");
    this.boxes.get(id)?.group.classList.add("selected");
    this.selected = id;
    this.light(id);
  }

  /** Show which lines are a task's. */
  light(id) {
    for (const line of this.lines) line.element.classList.toggle("lit", line.from === id || line.to === id);
  }

  key(event) {
    const group = event.target.closest("[data-task]");
    if (!group) return;
    const id = group.dataset.task;
    const next = this.neighbour(id, event.key);
    if (next) this.go(next, group);
    else if (event.key === "Enter" || event.key === " ") this.choose(id);
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
    this.factor = Math.min(ZOOM.most, Math.max(ZOOM.least, factor));
    this.svg.setAttribute("width", Math.round(this.width * this.factor));
    this.svg.setAttribute("height", Math.round(this.height * this.factor));
  }

  /** The whole of it, but not so small that nothing can be read. */
  fit() {
    const height = Math.max(260, Math.min(window.innerHeight * 0.6, 560));
    this.scale(Math.min(1, Math.max(0.5, Math.min((this.scroll.clientWidth - 4) / this.width, height / this.height))));
    this.zoomed = false;
  }

  /** Larger or smaller, with the point (x, y) of the visible part where it is; its middle by default. */
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
