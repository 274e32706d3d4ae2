// All flows: schedules, last runs, “Run now”; below them what ran last, whatever its flow.

import { isAlive, missing } from "../agents.js";
import { ask } from "../api.js";
import { h, icon } from "../dom.js";
import { command, hint, runsTable, scheduleOf, startAnAgent, ticks, time } from "../parts.js";
import { FLOWS } from "../queries.js";
import { agentsLink, flowLink, runLink } from "../routes.js";
import { labelsOf, runNow } from "../runform.js";
import { badge, isActive } from "../states.js";
import { moment, since } from "../times.js";

const SHOWN = 14;

/** The last runs of all versions of a flow, newest first. */
function lastRuns(flow) {
  return flow.flow_group.flows
    .flatMap((version) => version.flow_runs)
    .sort((one, other) => (moment(other.start_time ?? other.state_timestamp) ?? 0) - (moment(one.start_time ?? one.state_timestamp) ?? 0))
    .slice(0, SHOWN);
}

export function open(context) {
  let busy = false;
  return {
    pause: () => (busy ? 1500 : 3000),
    refresh: async () => {
      const { flow: flows, recent, agent: agents } = await ask(FLOWS);
      busy = recent.some((run) => isActive(run.state));
      context.show("Flows",
        h("div", { class: "title", "data-key": "title" }, h("h1", {}, "Flows"), agentsInShort(agents)),
        flows.length ? null : nothingYet(),
        agents.some((agent) => isAlive(agent)) || !flows.length ? null : hint(h("strong", {}, "No agent: "), "runs wait for one.", startAnAgent()),
        h("ul", { class: "flows", "data-key": "flows" }, flows.map((flow) => card(flow, agents, context))),
        recent.length > 0 && h("section", { "aria-labelledby": "recent", "data-key": "recent" },
          h("h2", { id: "recent" }, "Latest runs"),
          runsTable(recent, { withFlow: true, caption: "Latest runs of all flows" })));
    },
  };
}

function agentsInShort(agents) {
  const alive = agents.filter((agent) => isAlive(agent)).length;
  const text = alive ? `${alive} agent${alive > 1 ? "s" : ""} here` : "No agent";
  return h("a", { class: "agents-in-short", href: agentsLink() }, h("span", { class: `dot ${alive ? "alive" : "gone"}` }), text);
}

function nothingYet() {
  return h("div", { class: "empty" },
    h("p", {}, h("strong", {}, "No flow is registered yet.")),
    h("p", {}, "In your Kedro project: ", command("kedro prefect register"), " or ", command("kedro run --env deploy"), "."));
}

function card(flow, agents, context) {
  const runs = lastRuns(flow);
  const last = runs[0];
  const lacks = agents.some((agent) => isAlive(agent)) ? missing(agents, labelsOf(flow)) : null;
  return h("li", { class: "card flow", "data-key": flow.id },
    h("div", { class: "flow-name" },
      h("h2", {}, h("a", { href: flowLink(flow.flow_group_id) }, flow.name)),
      h("p", { class: "muted" }, `${flow.project.name} · version ${flow.version}`),
      flow.description && h("p", { class: "description" }, flow.description)),
    scheduleOf(flow, (said) => {
      context.announce(said);
      context.again();
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
    lacks && h("p", { class: "flow-hint" }, icon("warning"), lacks));
}
