// The agents that have asked this API for flow runs.

import { check } from "../agents.js";
import { follow } from "../api.js";
import { h } from "../dom.js";
import { hint, labelList, startAnAgent, time } from "../parts.js";
import { AGENTS } from "../queries.js";
import { since } from "../times.js";

export function open(context) {
  return {
    pause: () => 3000,
    refresh: async () => {
      const { agent: agents } = await follow(AGENTS);
      const { running } = await check(agents);
      context.show("Agents",
        h("h1", {}, "Agents"),
        h("p", { class: "muted lead" }, "An agent accepts a run if it has all of the run's labels. Of the agents with labels, only the project's own (", h("code", {}, "kedro prefect agent"), ") also accepts runs without labels."),
        running.size === 0 && hint(h("strong", {}, "No agent is running: "), "runs wait for one.", startAnAgent()),
        agents.length > 0 && table(agents, running));
    },
  };
}

function table(agents, running) {
  return h("div", { class: "table-box" },
    h("table", {},
      h("caption", { class: "visually-hidden" }, "Agents, most recent contact first"),
      h("thead", {}, h("tr", {},
        ["Agent", "Labels", "Last contact", "Type"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, agents.map((agent) => h("tr", { "data-key": agent.id },
        h("th", { scope: "row", "data-label": "Agent" },
          h("span", { class: `dot ${running.has(agent.id) ? "running" : "gone"}` }), agent.name ?? "agent",
          h("span", { class: "visually-hidden" }, running.has(agent.id) ? " (running)" : " (not running)")),
        h("td", { "data-label": "Labels" }, labelList(agent.labels)),
        h("td", { "data-label": "Last contact" }, agent.last_queried ? time(agent.last_queried, since(agent.last_queried)) : "never"),
        h("td", { "data-label": "Type", class: "muted" }, agent.core_version ? `${agent.type}, Prefect ${agent.core_version}` : agent.type))))));
}
