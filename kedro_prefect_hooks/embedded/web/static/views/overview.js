// One line that answers: what failed, what is late, what runs, what comes next?

import { follow } from "../api.js";
import { h, icon } from "../dom.js";
import { FAILED, WAITING } from "../facts.js";
import { OVERVIEW } from "../queries.js";
import { runLink, runsLink } from "../routes.js";
import { minutesAgo, moment, roughly, since } from "../times.js";

const DAY = 24 * 60; // minutes
const LATE = 1; // minutes

/** The condition for runs that should have started. */
export const late = () => ({ state: { _in: [...WAITING] }, state_start_time: { _lt: minutesAgo(LATE) } });

export class Overview {
  async refresh() {
    this.found = await follow(OVERVIEW, {
      failed: { state: { _in: [...FAILED] }, state_timestamp: { _gte: minutesAgo(DAY) } },
      late: late(),
      running: { state: { _in: ["Running", "Cancelling"] } },
      next: { state: { _eq: "Scheduled" }, state_start_time: { _gt: minutesAgo(0) } },
    });
  }

  element() {
    const { failed: [failed], late: [late], next: [next] } = this.found;
    const [failures, lateCount, running] = ["failedCount", "lateCount", "runningCount"].map((name) => this.found[name].aggregate.count);
    const about = (run) => h("a", { href: runLink(run.id) }, run.flow.name);
    return h("ul", { class: "overview", "data-key": "overview", "aria-label": "Overview" },
      failed
        ? h("li", { class: "failed" }, icon("failed"), h("span", {}, h("a", { href: runsLink({ state: "failed", time: "24h" }) }, `${failures} failed`), " in 24 hours, last ", about(failed), ` ${since(failed.state_timestamp)}`))
        : h("li", { class: "success" }, icon("success"), h("span", {}, "Nothing failed in 24 hours")),
      late
        ? h("li", { class: "late" }, icon("warning"), h("span", {}, h("a", { href: runsLink({ state: "late" }) }, `${lateCount} late`), ": ", about(late), `, due ${roughly(Date.now() - moment(late.state_start_time))} ago`))
        : h("li", {}, "Nothing is late"),
      running > 0 && h("li", { class: "running" }, icon("running"), h("span", {}, h("a", { href: runsLink({ state: "running" }) }, `${running} running`))),
      h("li", {}, icon("scheduled"), next
        ? h("span", {}, h("a", { href: runsLink({ state: "upcoming" }) }, "Next"), ": ", about(next), ` ${since(next.state_start_time)}`)
        : h("span", {}, "Nothing is scheduled")));
  }
}
