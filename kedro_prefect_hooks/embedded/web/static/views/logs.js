// A run's log: only new lines are requested, and they are inserted without moving the lines that are being read.

import { ask } from "../api.js";
import { h, show } from "../dom.js";
import { LOGS } from "../queries.js";
import { clock, full } from "../times.js";

const PAGE = 1000;
const MAX_LINES = 3000; // on the page at once
const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];
const BEGINNING = "1970-01-01T00:00:00+00:00";

const rank = (level) => Math.max(0, LEVELS.indexOf(level ?? "INFO"));

export class Logs {
  /** @param nameOf returns the name of a task run, or null. */
  constructor(runId, nameOf) {
    this.runId = runId;
    this.nameOf = nameOf;
    this.lines = [];
    this.since = BEGINNING;
    this.offset = 0;
    this.filter = { level: 0, text: "", taskRuns: null, taskName: null };
    this.list = h("div", { class: "lines", role: "log", "aria-live": "off", "aria-label": "Log lines", tabindex: "0" });
    this.count = h("span", { class: "muted", role: "status" });
    this.newest = h("button", { type: "button", class: "newest", hidden: true, onclick: () => this.follow() }, "Jump to newest");
    this.chip = h("span", {});
    this.element = this.build();
  }

  build() {
    const level = h("select", { id: "log-level", onchange: () => this.filterBy({ level: Number(level.value) }) },
      h("option", { value: "0" }, "All levels"), h("option", { value: "1", selected: true }, "Info and above"), h("option", { value: "2" }, "Warnings and above"), h("option", { value: "3" }, "Errors"));
    this.filter.level = 1;
    const search = h("input", { type: "search", id: "log-search", placeholder: "Search", autocomplete: "off", spellcheck: "false", oninput: () => this.filterBy({ text: search.value.trim().toLowerCase() }) });
    this.list.addEventListener("scroll", () => (this.newest.hidden = this.atEnd()));
    return h("div", { class: "logs", "data-opaque": true, "data-key": `logs-${this.runId}` },
      h("div", { class: "log-tools" },
        h("label", { class: "visually-hidden", for: "log-level" }, "Level"), level,
        h("label", { class: "visually-hidden", for: "log-search" }, "Search the log"), search,
        this.chip, this.count),
      h("div", { class: "lines-box" }, this.list, this.newest));
  }

  /** Request new lines. */
  async refresh() {
    for (;;) {
      const { log } = await ask(LOGS, { id: this.runId, since: this.since, offset: this.offset, limit: PAGE });
      if (log.length) this.add(log);
      if (log.length < PAGE) break;
    }
    if (!this.lines.length) this.render();
  }

  add(log) {
    const last = log.at(-1).created;
    const same = log.filter((line) => line.created === last).length;
    this.offset = last === this.since ? this.offset + log.length : same;
    this.since = last;
    const newest = this.lines.at(-1)?.timestamp ?? "";
    this.lines.push(...log);
    const inOrder = log.every((line, index) => line.timestamp >= (log[index - 1]?.timestamp ?? newest));
    if (!inOrder) this.lines.sort((one, other) => (one.timestamp < other.timestamp ? -1 : Number(one.timestamp > other.timestamp)));
    if (inOrder && this.shown) this.append(log.filter((line) => this.matches(line)));
    else this.render();
  }

  filterBy(change) {
    Object.assign(this.filter, change);
    this.render();
  }

  /** Show only the lines of some task runs; null for all. */
  showTask(taskRuns, name, clear) {
    if (this.filter.taskName === name) return;
    show(this.chip, name !== null && h("button", { type: "button", class: "chip", onclick: clear, "aria-label": `Only ${name}; show all lines` }, name, " ×"));
    this.filterBy({ taskRuns: taskRuns && new Set(taskRuns), taskName: name });
  }

  matches(line) {
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
    const position = this.list.scrollTop;
    const matching = this.lines.filter((line) => this.matches(line));
    this.shown = matching.length;
    const hidden = Math.max(0, matching.length - MAX_LINES);
    this.list.replaceChildren(
      ...(hidden ? [h("p", { class: "muted" }, `${hidden} earlier lines are not shown. Use the search to find them.`)] : []),
      ...matching.slice(hidden).map((line) => this.row(line)),
      ...(matching.length ? [] : [h("p", { class: "muted none" }, this.lines.length ? "No lines match." : "No log lines yet.")]));
    this.updateCount();
    if (following) this.follow();
    else this.list.scrollTop = position;
  }

  append(lines) {
    const following = this.atEnd();
    this.list.querySelector(".none")?.remove();
    this.list.append(...lines.map((line) => this.row(line)));
    this.shown += lines.length;
    this.updateCount();
    if (following) this.follow();
    else this.newest.hidden = lines.length === 0;
  }

  updateCount() {
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

/** A text in which the matches of a search are marked. */
function marked(text, searched) {
  if (!searched) return [text];
  const parts = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(searched); at >= 0; at = lower.indexOf(searched, from)) {
    parts.push(text.slice(from, at), h("mark", {}, text.slice(at, at + searched.length)));
    from = at + searched.length;
  }
  return [...parts, text.slice(from)];
}
