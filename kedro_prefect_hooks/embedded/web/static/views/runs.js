// All runs: a table with filters and pages. Each of its states has a URL.

import { follow } from "../api.js";
import { h, keep } from "../dom.js";
import { FAILED, SUCCESSFUL, WAITING } from "../facts.js";
import { choices, Filters } from "../filters.js";
import { runsTable } from "../parts.js";
import { FLOW_NAMES, RUNS } from "../queries.js";
import { isId, runsLink } from "../routes.js";
import { isActive, isFinished } from "../states.js";
import { minutesAgo } from "../times.js";
import { late, Overview } from "./overview.js";

const PAGE = 50;

const STATES = {
  failed: ["Failed", () => ({ state: { _in: [...FAILED] } })],
  success: ["Success", () => ({ state: { _in: [...SUCCESSFUL] } })],
  running: ["Running", () => ({ state: { _in: ["Running", "Cancelling", "Submitted"] } })],
  cancelled: ["Cancelled", () => ({ state: { _eq: "Cancelled" } })],
  late: ["Late", late],
  upcoming: ["Coming next", () => ({ state: { _in: [...WAITING] }, state_start_time: { _gt: minutesAgo(0) } })],
};

const PERIODS = { "1h": ["In the last hour", 60], "24h": ["In the last 24 hours", 24 * 60], "7d": ["In the last 7 days", 7 * 24 * 60], "30d": ["In the last 30 days", 30 * 24 * 60] };

const isBetweenDays = ({ time }) => time === "days";

const FIELDS = [
  { name: "text", label: "Search", type: "search", placeholder: "Run, flow or message" },
  { name: "state", label: "State", type: "select", options: choices("All but coming", STATES) },
  { name: "flow", label: "Flow", type: "select", options: [["", "All flows"]] },
  { name: "label", label: "Label", type: "search", placeholder: "Any" },
  { name: "time", label: "Time", type: "select", options: [...choices("Any time", PERIODS), ["days", "Between two days"]] },
  { name: "from", label: "From", type: "date", isShown: isBetweenDays },
  { name: "to", label: "To", type: "date", isShown: isBetweenDays },
];

const like = (text) => ({ _ilike: `%${text.replace(/[\\%_]/g, "\\$&")}%` });

/** Midnight of a local day such as 2026-11-26, `later` days later. */
const midnight = (day, later = 0) => {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
};

/** The GraphQL condition that filters stand for. */
export function condition({ text, state, flow, label, time, from, to }) {
  const parts = [];
  if (STATES[state]) parts.push(STATES[state][1]());
  else parts.push({ _not: { state: { _eq: "Scheduled" }, auto_scheduled: { _eq: true }, state_start_time: { _gt: minutesAgo(0) } } });
  if (isId(flow)) parts.push({ flow: { flow_group_id: { _eq: flow } } });
  if (label) parts.push({ labels: { _contains: [label] } });
  if (PERIODS[time]) parts.push({ scheduled_start_time: { _gte: minutesAgo(PERIODS[time][1]) } });
  if (from) parts.push({ scheduled_start_time: { _gte: midnight(from) } });
  if (to) parts.push({ scheduled_start_time: { _lt: midnight(to, 1) } });
  if (isId(text)) parts.push({ id: { _eq: text } });
  else if (text) parts.push({ _or: [{ name: like(text) }, { state_message: like(text) }, { flow: { name: like(text) } }] });
  return { _and: parts };
}

export function open(context) {
  return new RunsView(context);
}

class RunsView {
  constructor(context) {
    this.context = context;
    this.overview = new Overview();
    this.filters = new Filters(FIELDS, runsLink, () => this.change());
    this.navigate(context);
  }

  /** Another URL of this view. */
  navigate({ query }) {
    this.filters.navigate(query);
    this.page = Math.max(1, Math.floor(Number(query.get("page"))) || 1);
  }

  change() {
    this.page = 1;
    this.context.refresh();
  }

  /** Only the newest runs, and those that have not finished, change. */
  pause() {
    if (this.page > 1 && !this.isUnfinished) return null;
    return this.isBusy ? 1500 : 4000;
  }

  async refresh() {
    const { values } = this.filters;
    const isUpcoming = values.state === "upcoming";
    const direction = isUpcoming ? "asc" : "desc";
    const variables = {
      where: condition(values), order: [{ scheduled_start_time: direction }, { id: direction }],
      limit: PAGE, offset: (this.page - 1) * PAGE,
    };
    const [{ flow_run: runs, flow_run_aggregate: { aggregate: { count } } }, { flow: flows }] = await Promise.all(
      [follow(RUNS, variables), follow(FLOW_NAMES), this.overview.refresh()]);
    if (!runs.length && count && this.page > 1) {
      this.page = Math.ceil(count / PAGE); // fewer match by now
      return this.refresh();
    }
    this.isUnfinished = runs.some((run) => !isFinished(run.state));
    this.isBusy = runs.some((run) => isActive(run.state));
    const names = JSON.stringify(flows);
    if (names !== this.names) {
      this.names = names;
      this.filters.setOptions("flow", [["", "All flows"], ...flows.map((flow) => [flow.flow_group_id, flow.name])]);
    }
    this.context.show("Runs",
      h("div", { class: "title", "data-key": "title" }, h("h1", {}, "Runs"), this.overview.element()),
      keep(this.filters.element),
      runs.length ? runsTable(runs, { withFlow: true, withMessage: true, caption: `Runs, ${isUpcoming ? "next" : "newest"} first` }) : h("p", { class: "muted none" }, "No runs match."),
      this.pages(runs.length, count));
  }

  pages(shown, count) {
    const first = (this.page - 1) * PAGE + 1;
    const last = Math.max(1, Math.ceil(count / PAGE));
    const link = (text, page) => (page < 1 || page > last || page === this.page ? h("span", { class: "muted" }, text)
      : h("a", { href: runsLink({ ...this.filters.values, page: page > 1 ? page : "" }) }, text));
    return h("nav", { class: "pages", "data-key": "pages", "aria-label": "Pages" },
      h("span", { role: "status" }, shown ? `${first.toLocaleString("en")}–${(first + shown - 1).toLocaleString("en")} of ${count.toLocaleString("en")}` : `0 of ${count.toLocaleString("en")}`),
      count > PAGE && [link("Newer", this.page - 1), h("span", {}, `page ${this.page} of ${last}`), link("Older", this.page + 1)]);
  }
}
