// A run's log. The server filters, searches and counts; the page has a part of the lines, and asks for those before
// and after it when a person scrolls there. New lines are inserted without moving those that are being read.

import { ask } from "../api.js";
import { h, show } from "../dom.js";
import { LOG_TOTAL, LOGS } from "../queries.js";
import { clock, full, moment } from "../times.js";

const PAGE = 500;
const MAX_LINES = 3000; // on the page at once
const MOST_NEW = 1500; // lines that are inserted at once
const DOWNLOADED = 10_000; // lines per request
const NEAR = 300; // pixels from the end of the list at which more lines are requested
const DELAY = 10 * 60_000; // milliseconds by which a process may send lines late and still have them shown at once
const LEVELS = { "": {}, info: { level: { _nin: ["DEBUG", "NOTSET"] } }, warning: { level: { _in: ["WARNING", "ERROR", "CRITICAL"] } }, error: { level: { _in: ["ERROR", "CRITICAL"] } } };
const OPTIONS = [["", "All levels"], ["info", "Info and above"], ["warning", "Warnings and above"], ["error", "Errors"]];
const OLDEST_FIRST = [{ timestamp: "asc" }, { id: "asc" }];
const NEWEST_FIRST = [{ timestamp: "desc_nulls_last" }, { id: "desc_nulls_last" }];

const order = (one, other) => (one.timestamp < other.timestamp ? -1 : Number(one.timestamp > other.timestamp)) || (one.id < other.id ? -1 : 1);
const number = (count) => count.toLocaleString("en");

export class Logs {
  /** @param nameOf returns the name of a task run, or null. */
  constructor(runId, nameOf) {
    this.runId = runId;
    this.nameOf = nameOf;
    this.filter = { level: "info", text: "", taskRuns: null, taskName: null };
    this.list = h("div", { class: "lines", role: "log", "aria-live": "off", "aria-label": "Log lines", tabindex: "0" });
    this.count = h("span", { class: "muted", role: "status" });
    this.newest = h("button", { type: "button", class: "newest", hidden: true, onclick: () => this.jump(NEWEST_FIRST) }, "Jump to newest");
    this.chip = h("span", {});
    this.element = this.build();
    this.reset();
  }

  build() {
    const level = h("select", { id: "log-level", onchange: () => this.filterBy({ level: level.value }) }, OPTIONS.map(([value, text]) => h("option", { value, selected: value === this.filter.level }, text)));
    const search = h("input", {
      type: "search", id: "log-search", placeholder: "Search", autocomplete: "off", spellcheck: "false",
      oninput: () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.filterBy({ text: search.value.trim() }), 250);
      },
    });
    this.list.addEventListener("scroll", () => this.scrolled());
    return h("div", { class: "logs", "data-opaque": true, "data-key": `logs-${this.runId}` },
      h("div", { class: "log-tools" },
        h("label", { class: "visually-hidden", for: "log-level" }, "Level"), level,
        h("label", { class: "visually-hidden", for: "log-search" }, "Search the log"), search,
        this.chip, this.count,
        h("span", { class: "log-actions" },
          h("button", { type: "button", onclick: () => this.jump(OLDEST_FIRST) }, "First line"),
          h("button", { type: "button", onclick: (event) => this.download(event.currentTarget) }, "Download"))),
      h("div", { class: "lines-box" }, this.list, this.newest));
  }

  reset() {
    this.lines = [];
    this.isLoaded = false;
    this.hasOlder = false; // lines before those on the page
    this.hasNewer = false; // and after them
    this.since = null; // when the API received the newest line
    this.version = (this.version ?? 0) + 1; // what was requested for an earlier one is ignored
  }

  /** The condition for lines that match the filter. */
  where(...more) {
    const { level, text, taskRuns } = this.filter;
    const parts = [{ flow_run_id: { _eq: this.runId } }, LEVELS[level], ...more];
    const like = { _ilike: `%${text.replace(/[\\%_]/g, "\\$&")}%` };
    if (text) parts.push({ _or: [{ message: like }, { name: like }] });
    if (taskRuns) parts.push({ task_run_id: { _in: taskRuns } });
    return { _and: parts };
  }

  get isFiltered() {
    return this.filter.level !== "" || this.filter.text !== "" || this.filter.taskRuns !== null;
  }

  async request(order, limit, ...more) {
    return (await ask(LOGS, { where: this.where(...more), order, offset: 0, limit })).log;
  }

  /** Request the newest lines, and from then on those that are new. */
  async refresh() {
    if (!this.isLoaded) await this.load(NEWEST_FIRST);
    else await this.addNew();
  }

  async load(order) {
    const { version } = this;
    const { count: all, max: { created } } = await this.totalOf({ flow_run_id: { _eq: this.runId } });
    const log = await this.request(order, PAGE); // afterwards, so that no line is missed between the two
    if (version !== this.version) return;
    Object.assign(this, { all, since: created });
    this.matching = log.length < PAGE ? log.length : this.isFiltered ? null : all;
    const isNewest = order === NEWEST_FIRST;
    this.lines = isNewest ? log.reverse() : log;
    this.isLoaded = true;
    this.hasOlder = isNewest && log.length === PAGE;
    this.hasNewer = !isNewest && log.length === PAGE;
    this.render();
    this.list.scrollTop = isNewest ? this.list.scrollHeight : 0;
    this.scrolled();
    if (this.matching !== null) return;
    const { count } = await this.totalOf(this.where()); // takes longer than the lines
    if (version === this.version) this.matching = count;
    this.updateCount();
  }

  /** How many lines there are, and when the API received the last. */
  async totalOf(where) {
    return (await ask(LOG_TOTAL, { where })).log_aggregate.aggregate;
  }

  /** Request what has been received since. */
  async addNew() {
    const { version } = this;
    if (this.hasNewer) return;
    const last = this.lines.at(-1);
    const bounds = this.since ? [{ created: { _gte: this.since } }] : [];
    if (last && !this.isFiltered) bounds.push({ timestamp: { _gte: new Date(moment(last.timestamp) - DELAY).toISOString() } });
    const known = new Set(this.lines.filter((line) => line.created >= this.since).map((line) => line.id));
    const log = (await this.request([{ created: "asc" }, { timestamp: "asc" }, { id: "asc" }], MOST_NEW + known.size, ...bounds)).filter((line) => !known.has(line.id));
    if (version !== this.version || !log.length) return;
    if (log.length >= MOST_NEW && this.atEnd()) {
      this.jump(NEWEST_FIRST); // nobody could read them all
      return;
    }
    this.since = log.at(-1).created;
    if (this.matching !== null) this.matching += log.length;
    this.all = this.isFiltered ? (await this.totalOf({ flow_run_id: { _eq: this.runId } })).count : this.matching;
    if (version !== this.version) return;
    const before = this.lines.at(-1);
    log.sort(order);
    this.lines.push(...log);
    if (!before || order(before, log[0]) < 0) this.append(log);
    else {
      this.lines.sort(order);
      this.render();
    }
    this.updateCount();
  }

  /** Request the lines before the first one on the page, or after the last one. */
  async more(isOlder) {
    if (this.isBusy || !(isOlder ? this.hasOlder : this.hasNewer)) return;
    this.isBusy = true;
    try {
      const { version } = this;
      const edge = isOlder ? this.lines[0] : this.lines.at(-1);
      const [comparison, strict] = isOlder ? ["_lte", "_lt"] : ["_gte", "_gt"];
      const beyond = [{ timestamp: { [comparison]: edge.timestamp } }, { _or: [{ timestamp: { [strict]: edge.timestamp } }, { id: { [strict]: edge.id } }] }];
      const log = await this.request(isOlder ? NEWEST_FIRST : OLDEST_FIRST, PAGE, ...beyond);
      if (version !== this.version) return;
      if (isOlder) this.prepend(log.reverse());
      else {
        this.lines.push(...log);
        this.hasNewer = log.length === PAGE;
        this.since = log.reduce((latest, line) => (line.created > latest ? line.created : latest), this.since);
        this.list.append(...log.map((line) => this.row(line)));
        this.trimStart();
      }
      this.updateEnds();
    } finally {
      this.isBusy = false;
    }
  }

  prepend(log) {
    this.hasOlder = log.length === PAGE;
    this.lines.unshift(...log);
    const [top, height] = [this.list.scrollTop, this.list.scrollHeight];
    this.list.prepend(...log.map((line) => this.row(line)));
    this.list.scrollTop = top + this.list.scrollHeight - height;
    if (this.lines.length > MAX_LINES) {
      this.lines.length = MAX_LINES;
      while (this.list.childElementCount > MAX_LINES) this.list.lastChild.remove();
      this.hasNewer = true;
    }
  }

  /** Remove lines from the beginning of those on the page if there are too many. */
  trimStart() {
    const extra = this.lines.length - MAX_LINES;
    if (extra <= 0) return;
    this.lines.splice(0, extra);
    const [top, height] = [this.list.scrollTop, this.list.scrollHeight];
    for (let index = 0; index < extra; index += 1) this.list.firstChild.remove();
    this.list.scrollTop = top + this.list.scrollHeight - height;
    this.hasOlder = true;
  }

  filterBy(change) {
    Object.assign(this.filter, change);
    this.reset();
    this.load(NEWEST_FIRST).catch(() => (this.isLoaded = false)); // an API that does not respond is reported by the view
  }

  /** Show only the lines of some task runs; null for all. */
  showTask(taskRuns, name, clear) {
    const ids = JSON.stringify(taskRuns);
    if (this.shownTask === ids) return;
    const isFirst = this.shownTask === undefined && !this.isLoaded;
    this.shownTask = ids;
    show(this.chip, name !== null && h("button", { type: "button", class: "chip", onclick: clear, "aria-label": `Only ${name}; show all lines` }, name, " ×"));
    Object.assign(this.filter, { taskRuns, taskName: name });
    if (!isFirst) this.filterBy({});
  }

  jump(order) {
    this.reset();
    this.load(order).catch(() => (this.isLoaded = false));
  }

  atEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 24;
  }

  scrolled() {
    this.updateEnds();
    if (this.list.scrollTop < NEAR) this.more(true).catch(() => {});
    else if (this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR) this.more(false).catch(() => {});
  }

  updateEnds() {
    this.newest.hidden = !this.hasNewer && this.atEnd();
  }

  render() {
    const following = !this.list.firstChild || this.atEnd();
    const position = this.list.scrollTop;
    this.list.replaceChildren(
      ...this.lines.map((line) => this.row(line)),
      ...(this.lines.length ? [] : [h("p", { class: "muted none" }, this.all ? "No lines match." : "No log lines yet.")]));
    this.updateCount();
    this.list.scrollTop = following ? this.list.scrollHeight : position;
  }

  append(lines) {
    const following = this.atEnd();
    this.list.querySelector(".none")?.remove();
    this.list.append(...lines.map((line) => this.row(line)));
    if (following) {
      this.trimStart();
      this.list.scrollTop = this.list.scrollHeight;
    }
    this.newest.hidden = following;
  }

  updateCount() {
    const { all = 0, matching = 0 } = this;
    if (matching === null) this.count.textContent = `… of ${number(all)} lines`;
    else this.count.textContent = matching === all ? `${number(all)} line${all === 1 ? "" : "s"}` : `${number(matching)} of ${number(all)} lines`;
  }

  row(line) {
    const level = line.level ?? "INFO";
    const task = this.nameOf(line.task_run_id);
    return h("div", { class: `line level-${level.toLowerCase()}` },
      h("time", { datetime: line.timestamp, title: full(line.timestamp) }, clock(line.timestamp)),
      h("span", { class: "level" }, level),
      h("span", { class: "source", title: line.name ?? "" }, task ?? line.name ?? ""),
      h("span", { class: "message" }, marked(line.message ?? "", this.filter.text.toLowerCase())));
  }

  /** Save all lines that match the filter as a text file. */
  async download(button) {
    button.disabled = true;
    try {
      const parts = [];
      for (let offset = 0; ; offset += DOWNLOADED) {
        const { log } = await ask(LOGS, { where: this.where(), order: OLDEST_FIRST, offset, limit: DOWNLOADED });
        parts.push(log.map((line) => `${line.timestamp} ${line.level ?? "INFO"} ${this.nameOf(line.task_run_id) ?? line.name ?? ""}: ${line.message ?? ""}\n`).join(""));
        if (log.length < DOWNLOADED) break;
        show(button, `Downloading ${number(offset + DOWNLOADED)} …`);
      }
      const url = URL.createObjectURL(new Blob(parts, { type: "text/plain" }));
      h("a", { href: url, download: `${this.runId}${this.isFiltered ? "-filtered" : ""}.log` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } finally {
      show(button, "Download");
      button.disabled = false;
    }
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
