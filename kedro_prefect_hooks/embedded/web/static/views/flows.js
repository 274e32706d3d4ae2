// All flows with their schedules, latest runs and “Run now”; below them the latest runs of all flows.

import { check } from "../agents.js";
import { follow } from "../api.js";
import { breakable, h, icon, keep } from "../dom.js";
import { choices, Filters } from "../filters.js";
import { command, hint, runsTable, scheduleControl, startAnAgent, ticks, time } from "../parts.js";
import { FLOWS } from "../queries.js";
import { agentsLink, flowLink, flowsLink, runLink, runsLink } from "../routes.js";
import { labelsOf, runNow } from "../runform.js";
import * as schedule from "../schedule.js";
import { badge, isActive, isFailure } from "../states.js";
import { moment, since } from "../times.js";
import { Overview } from "./overview.js";

const MAX_RUNS = 14;
const FEW = 5; // flows that need no search

/** The latest runs of all versions of a flow, newest first. */
function latestRuns(flow) {
  return flow.flow_group.flows
    .flatMap((version) => version.flow_runs)
    .sort((one, other) => (moment(other.start_time ?? other.state_timestamp) ?? 0) - (moment(one.start_time ?? one.state_timestamp) ?? 0))
    .slice(0, MAX_RUNS);
}

const SHOWN = {
  failed: ["Last run failed", (flow, { runs }) => runs.length > 0 && isFailure(runs[0].state)],
  running: ["Running", (flow, { runs }) => runs.some((run) => isActive(run.state))],
  scheduled: ["With a schedule", (flow) => isScheduled(flow) && flow.is_schedule_active],
  paused: ["Schedule paused", (flow) => isScheduled(flow) && !flow.is_schedule_active],
  never: ["Never run", (flow, { runs }) => !runs.length],
  stuck: ["No agent for it", (flow, { reason }) => Boolean(reason)],
};

const isScheduled = (flow) => Boolean(schedule.inWords(flow)?.clocks.length);

const FIELDS = [
  { name: "text", label: "Search", type: "search", placeholder: "Flow, project or label" },
  { name: "show", label: "Show", type: "select", options: choices("All flows", SHOWN) },
];

export function open(context) {
  return new FlowsView(context);
}

class FlowsView {
  constructor(context) {
    this.context = context;
    this.overview = new Overview();
    this.filters = new Filters(FIELDS, flowsLink, () => this.render());
    this.navigate(context);
  }

  navigate({ query }) {
    this.filters.navigate(query);
  }

  pause() {
    return this.recent?.some((run) => isActive(run.state)) ? 1500 : 3000;
  }

  async refresh() {
    const [{ flow: flows, recent, agent: agents }] = await Promise.all([follow(FLOWS), this.overview.refresh()]);
    const [{ running, reasons }] = await Promise.all([check(agents, flows.map(labelsOf)), schedule.load(flows)]);
    Object.assign(this, { flows, recent, running });
    this.facts = flows.map((flow, index) => ({ runs: latestRuns(flow), reason: running.size ? reasons[index] : null }));
    this.render();
  }

  matches(flow, facts) {
    const { text: typed, show } = this.filters.values;
    const text = typed.toLowerCase();
    const texts = [flow.name, flow.description ?? "", flow.project.name, ...labelsOf(flow)];
    return (!text || texts.some((each) => each.toLowerCase().includes(text))) && (SHOWN[show]?.[1](flow, facts) ?? true);
  }

  render() {
    const { flows, recent, running, context } = this;
    const shown = flows.map((flow, index) => [flow, this.facts[index]]).filter(([flow, facts]) => this.matches(flow, facts));
    const hasFilters = flows.length > FEW;
    context.show("Flows",
      h("div", { class: "title", "data-key": "title" }, h("h1", {}, "Flows"), agentCount(running.size)),
      flows.length > 0 && this.overview.element(),
      flows.length ? null : noFlows(),
      running.size || !flows.length ? null : hint(h("strong", {}, "No agent is running: "), "runs wait for one.", startAnAgent()),
      hasFilters && keep(this.filters.element),
      hasFilters && h("p", { class: "muted visually-quiet", role: "status", "data-key": "count" }, shown.length === flows.length ? `${flows.length} flows` : `${shown.length} of ${flows.length} flows`),
      h("ul", { class: "flows", "data-key": "flows" }, shown.map(([flow, { runs, reason }]) => card(flow, runs, reason, context))),
      recent.length > 0 && h("section", { "aria-labelledby": "recent", "data-key": "recent" },
        h("div", { class: "title" }, h("h2", { id: "recent" }, "Latest runs"), h("a", { href: runsLink() }, "All runs")),
        runsTable(recent, { withFlow: true, caption: "Latest runs of all flows" })));
  }
}

function agentCount(count) {
  const text = count ? `${count} agent${count > 1 ? "s" : ""} running` : "No agent running";
  return h("a", { class: "agent-count", href: agentsLink() }, h("span", { class: `dot ${count ? "running" : "gone"}` }), text);
}

function noFlows() {
  return h("div", { class: "empty" },
    h("p", {}, h("strong", {}, "No flows are registered yet.")),
    h("p", {}, "Register them from your Kedro project: ", command("kedro prefect register")));
}

/** @param warning why no agent accepts its runs, if so. */
function card(flow, runs, warning, context) {
  const last = runs[0];
  return h("li", { class: "card flow", "data-key": flow.id },
    h("div", { class: "flow-name" },
      h("h2", {}, h("a", { href: flowLink(flow.flow_group_id) }, breakable(flow.name))),
      h("p", { class: "muted" }, `${flow.project.name} · version ${flow.version}`),
      flow.description && h("p", { class: "description" }, flow.description)),
    scheduleControl(flow, (text) => {
      context.announce(text);
      context.refresh();
    }),
    h("div", { class: "flow-runs" }, ticks(runs),
      last && h("p", { class: "last" }, badge(last.state), h("a", { href: runLink(last.id) }, breakable(last.name)), " ",
        time(last.start_time ?? last.state_timestamp, since(last.start_time ?? last.state_timestamp)))),
    h("button", {
      type: "button", class: "primary run-now", "data-key": "run", "aria-label": `Run ${flow.name} now`,
      onclick: async () => {
        const id = await runNow(flow);
        if (id) location.hash = runLink(id);
      },
    }, icon("play"), "Run now"),
    warning && h("p", { class: "flow-hint" }, icon("warning"), h("span", {}, warning)));
}
