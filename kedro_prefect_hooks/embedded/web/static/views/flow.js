// One flow: its schedule and next runs, its latest runs and its task graph.

import { check } from "../agents.js";
import { ask, follow } from "../api.js";
import { breakable, h, icon, keep } from "../dom.js";
import { hint, labelList, runsTable, scheduleControl, startAnAgent, ticks, time, valueInShort } from "../parts.js";
import { FLOW, FLOW_RUNS, STRUCTURE } from "../queries.js";
import { isId, runLink, runsLink } from "../routes.js";
import { labelsOf, parametersOf, runNow } from "../runform.js";
import * as schedule from "../schedule.js";
import { isActive } from "../states.js";
import { since } from "../times.js";
import { TaskGraph } from "./graph.js";

const PAGE = 25; // runs; the view of all runs has the others

export function open(context) {
  let structure = { of: null };
  let graph = null;
  let busy = false;

  async function refresh() {
    const { flow: [flow] = [], agent: agents } = isId(context.id) ? await follow(FLOW, { id: context.id }) : { agent: [] };
    if (!flow) return context.show("Flow not found", h("h1", {}, "Flow not found"), h("p", {}, "It may have been deleted. ", h("a", { href: "#/" }, "All flows")));
    const { flow_run: runs } = await follow(FLOW_RUNS, { group: flow.flow_group_id, limit: PAGE });
    busy = runs.some((run) => isActive(run.state));
    if (structure.of !== flow.id) {
      structure = { of: flow.id, ...(await ask(STRUCTURE, { id: flow.id })).flow_by_pk };
      graph?.close();
      graph = new TaskGraph(flow.id, structure.tasks, structure.edges);
    }
    graph.draw();
    const [{ running, reasons: [reason] }] = await Promise.all([check(agents, [labelsOf(flow)]), schedule.load([flow])]);
    const onChange = (text) => {
      context.announce(text);
      context.refresh();
    };
    context.show(flow.name,
      h("nav", { class: "crumbs", "data-key": "crumbs", "aria-label": "Breadcrumb" }, h("a", { href: "#/" }, "Flows"), h("span", {}, flow.project.name)),
      h("div", { class: "title", "data-key": "title" },
        h("h1", {}, breakable(flow.name)),
        h("div", { class: "actions" },
          h("button", {
            type: "button", class: "primary", disabled: flow.archived, "aria-label": `Run ${flow.name} now`,
            onclick: async () => {
              const id = await runNow(flow);
              if (id) location.hash = runLink(id);
            },
          }, icon("play"), "Run now"))),
      flow.description && h("p", { class: "lead" }, flow.description),
      flow.archived && hint(h("strong", {}, "This flow is archived: "), "it has no version to run. Register it again to restore it."),
      reason && !flow.archived && hint(reason, !running.size && startAnAgent()),
      facts(flow),
      scheduleSection(flow, onChange),
      h("section", { "aria-labelledby": "runs", "data-key": "runs" },
        h("div", { class: "title" }, h("h2", { id: "runs" }, "Runs"), runs.length > 0 && [ticks(runs.slice(0, 20)), h("a", { href: runsLink({ flow: flow.flow_group_id }) }, "All runs")]),
        runs.length ? runsTable(runs, { caption: `Runs of ${flow.name}, newest first` }) : h("p", { class: "muted" }, "No runs yet.")),
      h("section", { "aria-labelledby": "graph", "data-key": "graph" }, h("h2", { id: "graph" }, "Tasks"), keep(graph.element)));
  }

  return { refresh, pause: () => (busy ? 1500 : 4000), close: () => graph?.close() };
}

function facts(flow) {
  const parameters = parametersOf(flow);
  return h("dl", { class: "facts", "data-key": "facts" },
    fact("Version", `${flow.version}, registered ${since(flow.created)}`),
    fact("Labels", labelList(labelsOf(flow))),
    parameters.length > 0 && fact("Parameters", h("ul", { class: "parameters" }, parameters.map((each) =>
      h("li", {}, h("code", {}, each.name), " ", h("span", { class: "value" }, each.required ? "required" : valueInShort(each.default)))))));
}

const fact = (name, ...value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

function scheduleSection(flow, onChange) {
  const upcoming = flow.is_schedule_active ? flow.next : [];
  return h("section", { class: "card", "data-key": "schedule", "aria-labelledby": "schedule" },
    h("h2", { id: "schedule" }, "Schedule"),
    scheduleControl(flow, onChange),
    upcoming.length > 1 && h("ol", { class: "upcoming", "aria-label": "Next runs" },
      upcoming.map((run) => h("li", {}, h("a", { href: runLink(run.id) }, time(run.scheduled_start_time)), " ", h("span", { class: "muted" }, since(run.scheduled_start_time))))));
}
