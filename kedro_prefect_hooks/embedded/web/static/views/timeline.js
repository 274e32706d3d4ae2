// One bar per task: when it ran, how often, and how it ended, from the history of its states. A mapped task has one
// for all of its children, which can be unfolded.

import { breakable, h, icon } from "../dom.js";
import { byTask, counts, countsInWords, partOf, stateOf } from "../mapped.js";
import { family, inWords, isFinished } from "../states.js";
import { clock, duration, moment } from "../times.js";
import { isParameter } from "./graph.js";

const MIN_CUT = 15_000; // milliseconds; a longer time in which no task runs is cut out of the axis

/**
 * What a task run did: [{from, to, state}], with `to` null while it lasts. Each Running lasts until the next
 * state, which says how it ended; waiting for a retry is a piece of its own.
 */
export function pieces(states) {
  const found = [];
  states.forEach((each, index) => {
    const next = states[index + 1];
    const to = next ? moment(next.timestamp) : null;
    if (each.state === "Running") found.push({ from: moment(each.timestamp), to, state: next ? next.state : "Running" });
    if (each.state === "Retrying") found.push({ from: moment(each.timestamp), to, state: "Retrying", waits: true });
  });
  return found;
}

/** Maps times to positions from 0 to 1; long times in which nothing ran are cut out. */
export function axis(spans, now) {
  const sorted = spans.map(({ from, to }) => [from, to ?? now]).sort((one, other) => one[0] - other[0]);
  const blocks = [];
  for (const [from, to] of sorted) {
    const last = blocks.at(-1);
    if (last && from - last.to < MIN_CUT) last.to = Math.max(last.to, to);
    else blocks.push({ from, to });
  }
  const total = blocks.reduce((sum, block) => sum + block.to - block.from, 0) || 1;
  const cut = blocks.length > 1 ? Math.min(0.04, 0.3 / (blocks.length - 1)) : 0;
  const scale = (1 - cut * (blocks.length - 1)) / total;
  let at = 0;
  for (const block of blocks) {
    block.at = at;
    at += (block.to - block.from) * scale + cut;
  }
  const place = (time) => {
    const block = blocks.findLast((each) => each.from <= time) ?? blocks[0];
    return block ? block.at + Math.min(Math.max(0, time - block.from), block.to - block.from) * scale : 0;
  };
  const cuts = blocks.slice(1).map((block, index) => ({ at: block.at - cut / 2, width: cut, hidden: block.from - blocks[index].to }));
  return { place, cuts, blocks, scale };
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400].map((seconds) => seconds * 1000);

function marks({ blocks, place, cuts }) {
  if (cuts.length || !blocks.length) return blocks.map((block) => ({ at: block.at, text: clock(block.from) }));
  const [{ from, to }] = blocks;
  const step = STEPS.find((each) => (to - from) / each <= 5) ?? STEPS.at(-1);
  const found = [];
  for (let time = 0; time <= to - from; time += step) found.push({ at: place(from + time), text: time ? `+${duration(time)}`.replace(".0 s", " s").replace(" min 0 s", " min") : "0" });
  return found;
}

const percent = (part) => `${(part * 100).toFixed(3)}%`;

/** Spans of time without those that touch: [{from, to}], with `to` null for one that lasts. */
export function merged(spans, gap) {
  const found = [];
  for (const { from, to } of [...spans].sort((one, other) => one.from - other.from)) {
    const last = found.at(-1);
    if (last && (last.to === null || from <= last.to + gap)) last.to = last.to === null || to === null ? null : Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found;
}

const CHILDREN = 100; // of a mapped task that are shown at once
const SEGMENTS = 200; // of the bar of a mapped task, at most, for each state

/**
 * @param tasks those of the flow; `taskRuns` those of the run; `history` task run id → its states, in order.
 * @param isOver whether the run has ended; `selected` a task's id; `selectedRun` a child's task run id, or null. `onSelect` is called with both.
 * @param unfolded mapped task's id → how many of its children are shown; `onUnfold` is called with a task's id
 * and that number, 0 for none.
 * @param isWanted whether a task in a state is to be shown; of those, the first `limit`. `onMore` is called for more.
 */
export function timeline({ tasks, taskRuns, history, isOver, selected, selectedRun, onSelect, unfolded, onUnfold, now, isWanted = () => true, limit = Infinity, onMore }) {
  const all = rowsOf(tasks, taskRuns, history, isOver);
  const rows = all.filter((row) => isWanted(row.task, row.state));
  if (!rows.length) return h("p", { class: "muted" }, all.length ? "No tasks match." : "No tasks yet.");
  const time = axis(rows.flatMap((row) => [...row.pieces, ...row.children.flatMap((child) => child.pieces)]), now);
  const ticks = marks(time);
  const draw = {
    now, time, selected, selectedRun, onSelect,
    track: (parts) => h("span", { class: "track" },
      ticks.map((mark) => h("span", { class: "grid", style: { left: percent(mark.at) } })),
      time.cuts.map((cut) => h("span", { class: "cut", title: `${duration(cut.hidden)} in which nothing ran`, style: { left: percent(cut.at - cut.width / 2), width: percent(cut.width) } })),
      parts.map((part) => h("span", {
        class: `bar ${family(part.state)} ${part.waits ? "waits" : ""} ${isFinished(part.state) || part.to ? "" : "live"}`,
        style: { left: percent(time.place(part.from)), width: percent(time.place(part.to ?? now) - time.place(part.from)) },
      }))),
  };
  return h("div", { class: "timeline" },
    h("div", { class: "axis", "aria-hidden": "true" }, h("div", { class: "scale" },
      ticks.map((mark) => h("span", { class: mark.at > 0.88 ? "late" : "", style: { left: percent(mark.at) } }, mark.text)))),
    h("ul", {}, rows.slice(0, limit).map((row) => (row.children.length
      ? mappedElement(row, draw, unfolded.get(row.task.id) ?? 0, onUnfold) : rowElement(row, draw)))),
    rows.length > limit && h("p", { class: "more-rows" },
      h("button", { type: "button", onclick: onMore }, `Show more of ${rows.length.toLocaleString("en")} tasks`)));
}

function rowsOf(tasks, taskRuns, history, isOver) {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const rowOf = (run, task) => ({ run, task, state: run.state, pieces: pieces(history.get(run.id) ?? []), children: [] });
  return [...byTask(taskRuns).values()]
    .filter(({ run, children }) => run ?? children[0])
    .map((entry) => {
      const task = byId.get((entry.run ?? entry.children[0]).task_id);
      if (!task) return null;
      const children = entry.children.map((child) => rowOf(child, task));
      return { ...rowOf(entry.run ?? entry.children[0], task), state: stateOf(entry, isOver), children };
    })
    // The flow's parameters are tasks to Prefect, and shown only if something is wrong with them.
    .filter((row) => row && !(isParameter(row.task) && family(row.state) !== "failed"))
    .map((row) => ({ ...row, startedAt: Math.min(...[row, ...row.children].map((each) => each.pieces[0]?.from ?? Infinity)) }))
    .sort((one, other) => one.startedAt - other.startedAt || (one.run.state_timestamp ?? "").localeCompare(other.run.state_timestamp ?? "") || one.task.name.localeCompare(other.task.name));
}

function rowElement({ run, task, state, pieces: parts }, draw, isChild = false) {
  const worked = parts.filter((part) => !part.waits);
  const spent = worked.reduce((sum, part) => sum + (part.to ?? draw.now) - part.from, 0);
  const attempts = worked.length > 1 ? `, ${worked.length} attempts` : "";
  const summary = `${inWords(state)}${worked.length ? `, ${duration(spent)}` : ""}${attempts}`;
  const pressed = isChild ? draw.selectedRun === run.id : draw.selected === task.id && !draw.selectedRun;
  return h("li", { "data-key": run.id },
    h("button", {
      type: "button", class: `row ${family(state)}`, "aria-pressed": String(pressed), title: run.state_message ?? "",
      onclick: () => (pressed ? draw.onSelect(null, null) : draw.onSelect(task.id, isChild ? run.id : null)),
    },
      h("span", { class: "row-name" }, icon(family(state)), h("span", { class: "name" }, breakable(isChild ? partOf(task, run) : task.name))),
      draw.track(parts),
      h("span", { class: "row-summary" }, summary)));
}

/** A mapped task: one bar for all of its children, their number by state, and the children below, unfolded. */
function mappedElement({ run, task, state, children }, draw, shown, onUnfold) {
  const pressed = draw.selected === task.id && !draw.selectedRun;
  const gap = 1 / (draw.time.scale * SEGMENTS);
  const worked = children.flatMap((child) => child.pieces.filter((part) => !part.waits));
  // What a person looks for lies above the rest.
  const others = new Set(worked.map((part) => part.state).filter((each) => each !== "Success" && each !== "Failed"));
  const parts = ["Success", ...others, "Failed"].flatMap((each) =>
    merged(worked.filter((part) => part.state === each), gap).map((span) => ({ ...span, state: each })));
  const runs = children.map((child) => child.run);
  const words = countsInWords(runs);
  // Those first that a person looks for; the others in the order of their partitions.
  const rank = (child) => ["failed", "running", "retrying"].indexOf(family(child.state) === "blocked" ? "failed" : family(child.state)) + 1 || 9;
  const sorted = shown ? [...children].sort((one, other) => rank(one) - rank(other) || one.run.map_index - other.run.map_index).slice(0, shown) : [];
  return h("li", { class: "mapped", "data-key": run.id },
    h("button", {
      type: "button", class: `row ${family(state)}`, "aria-pressed": String(pressed), title: run.state_message ?? "",
      onclick: () => (pressed ? draw.onSelect(null, null) : draw.onSelect(task.id, null)),
    },
      h("span", { class: "row-name" }, icon(family(state)), h("span", { class: "name" }, breakable(task.name))),
      draw.track(parts)),
    h("button", {
      type: "button", class: "fold", "aria-expanded": String(shown > 0), title: words,
      "aria-label": `${children.length} tasks of ${task.name}: ${words}`, onclick: () => onUnfold(task.id, shown ? 0 : CHILDREN),
    },
      icon("fold"),
      counts(runs).map(([each, count]) => h("span", { class: `count ${family(each)}` }, icon(family(each)), String(count)))),
    shown > 0 && h("ul", { "aria-label": `Tasks of ${task.name}` },
      sorted.map((child) => rowElement(child, draw, true)),
      shown < children.length && h("li", { class: "more", "data-key": "more" },
        h("button", { type: "button", onclick: () => onUnfold(task.id, shown + CHILDREN) },
          `Show ${Math.min(CHILDREN, children.length - shown)} more of ${children.length}`))));
}
