// The agents that have asked this API for work.

import { isAlive } from "../agents.js";
import { ask } from "../api.js";
import { h } from "../dom.js";
import { hint, labelList, startAnAgent, time } from "../parts.js";
import { AGENTS } from "../queries.js";
import { since } from "../times.js";

export function open(context) {
  return {
    pause: () => 3000,
    refresh: async () => {
      const { agent: agents } = await ask(AGENTS);
      const alive = agents.filter((agent) => isAlive(agent)).length;
      context.show("Agents",
        h("h1", {}, "Agents"),
        h("p", { class: "muted lead" }, "An agent takes a run when it has all of the run's labels. One with labels takes no run without."),
        alive === 0 && hint(h("strong", {}, "No agent is asking for work: "), "runs wait.", startAnAgent()),
        agents.length > 0 && table(agents));
    },
  };
}

function table(agents) {
  return h("div", { class: "table-box" },
    h("table", {},
      h("caption", { class: "unseen" }, "Agents, the last to ask first"),
      h("thead", {}, h("tr", {},
        ["Agent", "Labels", "Last contact", "Kind"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, agents.map((agent) => h("tr", { "data-key": agent.id },
        h("th", { scope: "row", "data-label": "Agent" },
          h("span", { class: `dot ${isAlive(agent) ? "alive" : "gone"}` }), agent.name ?? "agent",
          h("span", { class: "unseen" }, isAlive(agent) ? " (here)" : " (silent)")),
        h("td", { "data-label": "Labels" }, labelList(agent.labels)),
        h("td", { "data-label": "Last contact" }, agent.last_queried ? time(agent.last_queried, since(agent.last_queried)) : "never"),
        h("td", { "data-label": "Kind", class: "muted" }, `${agent.type}, Prefect ${agent.core_version ?? "?"}`))))));
}
