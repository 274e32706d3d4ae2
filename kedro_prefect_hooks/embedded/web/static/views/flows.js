// All flows with their schedules, latest runs and “Run now”; below them the latest runs of all flows.

import { check } from "../agents.js";
import { follow } from "../api.js";
import { h, icon } from "../dom.js";
import { command, hint, runsTable, scheduleControl, startAnAgent, ticks, time } from "../parts.js";
import { FLOWS } from "../queries.js";
import { agentsLink, flowLink, runLink } from "../routes.js";
import { labelsOf, runNow } from "../runform.js";
import * as schedule from "../schedule.js";
import { badge, isActive } from "../states.js";
import { moment, since } from "../times.js";

const MAX_RUNS = 14;

/** The latest runs of all versions of a flow, newest first. */
function latestRuns(flow) {
  return flow.flow_group.flows
    .flatMap((version) => version.flow_runs)
    .sort((one, other) => (moment(other.start_time ?? other.state_timestamp) ?? 0) - (moment(one.start_time ?? one.state_timestamp) ?? 0))
    .slice(0, MAX_RUNS);
}

export function open(context) {
  let busy = false;
  return {
    pause: () => (busy ? 1500 : 3000),
    refresh: async () => {
      const { flow: flows, recent, agent: agents } = await follow(FLOWS);
      busy = recent.some((run) => isActive(run.state));
      const [{ running, reasons }] = await Promise.all([check(agents, flows.map(labelsOf)), schedule.load(flows)]);
      context.show("Flows",
        h("div", { class: "title", "data-key": "title" }, h("h1", {}, "Flows"), agentCount(running.size)),
        flows.length ? null : noFlows(),
        running.size || !flows.length ? null : hint(h("strong", {}, "No agent is running: "), "runs wait for one.", startAnAgent()),
        h("ul", { class: "flows", "data-key": "flows" }, flows.map((flow, index) => card(flow, running.size ? reasons[index] : null, context))),
        recent.length > 0 && h("section", { "aria-labelledby": "recent", "data-key": "recent" },
          h("h2", { id: "recent" }, "Latest runs"),
          runsTable(recent, { withFlow: true, caption: "Latest runs of all flows" })));
    },
  };
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
function card(flow, warning, context) {
  const runs = latestRuns(flow);
  const last = runs[0];
  return h("li", { class: "card flow", "data-key": flow.id },
    h("div", { class: "flow-name" },
      h("h2", {}, h("a", { href: flowLink(flow.flow_group_id) }, flow.name)),
      h("p", { class: "muted" }, `${flow.project.name} · version ${flow.version}`),
      flow.description && h("p", { class: "description" }, flow.description)),
    scheduleControl(flow, (text) => {
      context.announce(text);
      context.refresh();
    }),
    h("div", { class: "flow-runs" }, ticks(runs),
      last && h("p", { class: "last" }, badge(last.state), h("a", { href: runLink(last.id) }, last.name), " ",
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
