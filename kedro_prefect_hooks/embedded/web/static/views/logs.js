// A run's log lines: only new ones are asked for, and they are put where they belong without moving what is
// being read.

import { ask } from "../api.js";
import { h, show } from "../dom.js";
import { LOGS } from "../queries.js";
import { clock, full } from "../times.js";

const PAGE = 1000;
const MOST = 3000; // lines on the page at once
const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
const BEGINNING = "1970-01-01T00:00:00+00:00";

const rank = (level) => Math.max(0, LEVELS.indexOf(level ?? "INFO"));

export class Logs {
  /** @param nameOf the name of a task run, or null. */
  constructor(runId, nameOf) {
    this.runId = runId;
    this.nameOf = nameOf;
    this.lines = [];
    this.since = BEGINNING;
    this.offset = 0;
    this.filter = { level: 0, text: "", taskRuns: null, taskName: null };
    this.list = h("div", { class: "lines", role: "log", "aria-live": "off", "aria-label": "Log lines", tabindex: "0" });
    this.count = h("span", { class: "muted", role: "status" });
    this.newest = h("button", { type: "button", class: "newest", hidden: true, onclick: () => this.follow() }, "Newest lines");
    this.chip = h("span", {});
    this.element = this.build();
  }

  build() {
    const level = h("select", { id: "log-level", onchange: () => this.narrow({ level: Number(level.value) }) },
      h("option", { value: "0" }, "All levels"), h("option", { value: "1", selected: true }, "Info and up"), h("option", { value: "2" }, "Warnings and up"), h("option", { value: "3" }, "Errors"));
    this.filter.level = 1;
    const search = h("input", { type: "search", id: "log-search", placeholder: "Search", autocomplete: "off", spellcheck: "false", oninput: () => this.narrow({ text: search.value.trim().toLowerCase() }) });
    this.list.addEventListener("scroll", () => (this.newest.hidden = this.atEnd()));
    return h("div", { class: "logs", "data-opaque": true, "data-key": `logs-${this.runId}` },
      h("div", { class: "log-tools" },
        h("label", { class: "unseen", for: "log-level" }, "Level"), level,
        h("label", { class: "unseen", for: "log-search" }, "Search in the lines"), search,
        this.chip, this.count),
      h("div", { class: "lines-box" }, this.list, this.newest));
  }

  /** Ask for what is new. */
  async refresh() {
    for (;;) {
      const { log } = await ask(LOGS, { id: this.runId, since: this.since, offset: this.offset, limit: PAGE });
      if (log.length) this.take(log);
      if (log.length < PAGE) break;
    }
    if (!this.lines.length) this.render();
  }

  take(log) {
    const last = log.at(-1).created;
    const same = log.filter((line) => line.created === last).length;
    this.offset = last === this.since ? this.offset + log.length : same;
    this.since = last;
    const newest = this.lines.at(-1)?.timestamp ?? "";
    this.lines.push(...log);
    const inOrder = log.every((line, index) => line.timestamp >= (log[index - 1]?.timestamp ?? newest));
    if (!inOrder) this.lines.sort((one, other) => (one.timestamp < other.timestamp ? -1 : Number(one.timestamp > other.timestamp)));
    if (inOrder && this.shown) this.append(log.filter((line) => this.passes(line)));
    else this.render();
  }

  narrow(change) {
    Object.assign(this.filter, change);
    this.render();
  }

  /** Only the lines of some task runs; null for all. */
  ofTask(taskRuns, name, clear) {
    if (this.filter.taskName === name) return;
    show(this.chip, name !== null && h("button", { type: "button", class: "chip", onclick: clear, "aria-label": `Lines of ${name} only; show all` }, name, " ×"));
    this.narrow({ taskRuns: taskRuns && new Set(taskRuns), taskName: name });
  }

  passes(line) {
    const { level, text, taskRuns } = this.filter;
    return rank(line.level) >= level && (!taskRuns || taskRuns.has(line.task_run_id))
      && (!text || (line.message ?? "").toLowerCase().includes(text) || (line.name ?? "").toLowerCase().includes(text));
  }

  atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 24;
  }

  follow() {
    this.list.scrollTop = this.list.scrollHeight;
    this.newest.hidden = true;
  }

  render() {
    const following = !this.shown || this.atEnd();
    const place = this.list.scrollTop;
    const passing = this.lines.filter((line) => this.passes(line));
    this.shown = passing.length;
    const hidden = Math.max(0, passing.length - MOST);
    this.list.replaceChildren(
      ...(hidden ? [h("p", { class: "muted" }, `${hidden} earlier lines are not shown; search for them.`)] : []),
      ...passing.slice(hidden).map((line) => this.row(line)),
      ...(passing.length ? [] : [h("p", { class: "muted none" }, this.lines.length ? "No line fits." : "No log lines yet.")]));
    this.counted();
    if (following) this.follow();
    else this.list.scrollTop = place;
  }

  append(lines) {
    const following = this.atEnd();
    this.list.querySelector(".none")?.remove();
    this.list.append(...lines.map((line) => this.row(line)));
    this.shown += lines.length;
    this.counted();
    if (following) this.follow();
    else this.newest.hidden = lines.length === 0;
  }

  counted() {
    const all = this.lines.length;
    this.count.textContent = this.shown === all ? `${all} line${all === 1 ? "" : "s"}` : `${this.shown} of ${all} lines`;
  }

  row(line) {
    const level = line.level ?? "INFO";
    const task = this.nameOf(line.task_run_id);
    return h("div", { class: `line level-${level.toLowerCase()}` },
      h("time", { datetime: line.timestamp, title: full(line.timestamp) }, clock(line.timestamp)),
      h("span", { class: "level" }, level),
      h("span", { class: "source", title: line.name ?? "" }, task ?? line.name ?? ""),
      h("span", { class: "message" }, marked(line.message ?? "", this.filter.text)));
  }
}

/** The text with what was searched for marked. */
function marked(text, wanted) {
  if (!wanted) return [text];
  const parts = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), h("mark", {}, text.slice(at, at + wanted.length)));
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
}
