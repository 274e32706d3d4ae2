// One bar per task run: when it ran, how often, and how it ended, from the history of its states.

import { h, icon } from "../dom.js";
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

/**
 * @param tasks those of the flow; `taskRuns` those of the run; `history` task run id → its states, in order.
 * @param selected a task's id; `onSelect` is called with one, or with null.
 */
export function timeline({ tasks, taskRuns, history, selected, onSelect, now }) {
  const rows = rowsOf(tasks, taskRuns, history);
  if (!rows.length) return h("p", { class: "muted" }, "No tasks yet.");
  const time = axis(rows.flatMap((row) => row.pieces), now);
  const ticks = marks(time);
  return h("div", { class: "timeline" },
    h("div", { class: "axis", "aria-hidden": "true" }, h("div", { class: "scale" },
      ticks.map((mark) => h("span", { class: mark.at > 0.88 ? "late" : "", style: { left: percent(mark.at) } }, mark.text)))),
    h("ul", {}, rows.map((row) => rowElement(row, time, ticks, selected, onSelect, now))));
}

function rowsOf(tasks, taskRuns, history) {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  return taskRuns
    .map((run) => ({ run, task: byId.get(run.task_id), pieces: pieces(history.get(run.id) ?? []) }))
    // The flow's parameters are tasks to Prefect, and shown only if something is wrong with them.
    .filter(({ run, task }) => task && !(isParameter(task) && family(run.state) !== "failed"))
    .map((row) => ({ ...row, startedAt: row.pieces[0]?.from ?? Infinity }))
    .sort((one, other) => one.startedAt - other.startedAt || (one.run.state_timestamp ?? "").localeCompare(other.run.state_timestamp ?? "") || one.task.name.localeCompare(other.task.name));
}

function rowElement({ run, task, pieces: parts, startedAt }, time, ticks, selected, onSelect, now) {
  const name = run.map_index >= 0 ? `${task.name}[${run.map_index}]` : task.name;
  const worked = parts.filter((part) => !part.waits);
  const spent = worked.reduce((sum, part) => sum + (part.to ?? now) - part.from, 0);
  const attempts = worked.length > 1 ? `, ${worked.length} attempts` : "";
  const summary = `${inWords(run.state)}${Number.isFinite(startedAt) ? `, ${duration(spent)}` : ""}${attempts}`;
  return h("li", { "data-key": run.id },
    h("button", { type: "button", class: `row ${family(run.state)}`, "aria-pressed": String(selected === task.id), title: run.state_message ?? "", onclick: () => onSelect(selected === task.id ? null : task.id) },
      h("span", { class: "row-name" }, icon(family(run.state)), h("span", { class: "name" }, name)),
      h("span", { class: "track" },
        ticks.map((mark) => h("span", { class: "grid", style: { left: percent(mark.at) } })),
        time.cuts.map((cut) => h("span", { class: "cut", title: `${duration(cut.hidden)} in which nothing ran`, style: { left: percent(cut.at - cut.width / 2), width: percent(cut.width) } })),
        parts.map((part) => h("span", {
          class: `bar ${family(part.state)} ${part.waits ? "waits" : ""} ${isFinished(part.state) || part.to ? "" : "live"}`,
          style: { left: percent(time.place(part.from)), width: percent(time.place(part.to ?? now) - time.place(part.from)) },
        }))),
      h("span", { class: "row-summary" }, summary)));
}
