// Parts that several views share: runs as ticks and as a table, schedules, hints, commands to copy.

import { setSchedule } from "./actions.js";
import { breakable, h, icon } from "./dom.js";
import { flowLink, runLink } from "./routes.js";
import * as schedule from "./schedule.js";
import { badge, family, inWords, isFinished, isSuccess } from "./states.js";
import { duration, full, moment, since, when } from "./times.js";

export const time = (text, words = when(text)) => h("time", { datetime: text, title: full(text) }, words);

/** How long a run took, or has been running; "" if it has not started. */
export function durationOf(run) {
  if (!run.start_time) return "";
  const end = isFinished(run.state) ? moment(run.end_time ?? run.state_timestamp) : Date.now();
  return duration(end - moment(run.start_time));
}

/** The latest runs, oldest first: one link each, whose icon and label say what its colour does. */
export function ticks(runs) {
  if (!runs.length) return h("p", { class: "muted ticks-none" }, "No runs yet");
  return h("ol", { class: "ticks", "aria-label": "Latest runs, oldest first" },
    [...runs].reverse().map((run) => {
      const words = `${inWords(run.state)}, ${since(run.start_time ?? run.state_timestamp)}${run.start_time ? `, took ${durationOf(run)}` : ""}`;
      return h("li", { "data-key": run.id },
        h("a", { href: runLink(run.id), class: `tick ${family(run.state)}`, title: `${run.name}: ${words}`, "aria-label": `${run.name}: ${words}` },
          icon(family(run.state))));
    }));
}

export function runsTable(runs, { withFlow = false, withMessage = false, caption }) {
  return h("div", { class: "table-box", "data-key": "runs-table" },
    h("table", { class: "runs" },
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {},
        h("th", { scope: "col" }, "State"),
        h("th", { scope: "col" }, "Run"),
        withFlow && h("th", { scope: "col" }, "Flow"),
        h("th", { scope: "col" }, "Started"),
        h("th", { scope: "col", class: "number" }, "Duration"))),
      h("tbody", {}, runs.map((run) => h("tr", { "data-key": run.id },
        h("td", { "data-label": "State" }, badge(run.state)),
        h("th", { scope: "row", "data-label": "Run" },
          h("a", { href: runLink(run.id) }, breakable(run.name)),
          run.auto_scheduled && h("span", { class: "by", title: "Started by the schedule" }, icon("calendar"), h("span", { class: "visually-hidden" }, "by the schedule")),
          withMessage && !isSuccess(run.state) && run.state_message && h("p", { class: `row-message ${family(run.state)}`, title: run.state_message }, run.state_message)),
        withFlow && h("td", { "data-label": "Flow" }, h("a", { href: flowLink(run.flow.flow_group_id) }, breakable(run.flow.name))),
        h("td", { "data-label": "Started", class: "started" }, startOf(run)),
        h("td", { "data-label": "Duration", class: "number" }, durationOf(run) || "–"))))));
}

/** When a run started, or is to start. */
function startOf(run) {
  if (run.start_time) return [time(run.start_time), " ", h("span", { class: "muted" }, since(run.start_time))];
  const due = run.state_start_time ?? run.scheduled_start_time;
  return [h("span", { class: "muted" }, isFinished(run.state) ? "never, due " : "due "), time(due), " ", h("span", { class: "muted" }, since(due))];
}

/** A flow's schedule in words, with its switch. `onChange` is called after it was switched. */
export function scheduleControl(flow, onChange) {
  const { clocks, is_filtered: isFiltered } = schedule.inWords(flow) ?? { clocks: [] };
  if (!clocks.length) return h("p", { class: "schedule muted" }, icon("calendar"), h("span", {}, "No schedule"));
  const active = flow.is_schedule_active;
  const next = flow.next?.[0]?.scheduled_start_time;
  return h("div", { class: `schedule ${active ? "" : "paused"}` },
    h("button", {
      type: "button", role: "switch", class: "switch", "aria-checked": String(active),
      "aria-label": `Schedule of ${flow.name}`, title: active ? "Pause the schedule" : "Resume the schedule",
      onclick: async (event) => {
        const button = event.currentTarget;
        button.disabled = true;
        try {
          await setSchedule(flow.id, !active);
        } catch (error) {
          await problem("The schedule could not be changed", error);
        } finally {
          button.disabled = false;
          onChange(`Schedule of ${flow.name}: ${active ? "paused" : "active"}`);
        }
      },
    }, h("span", { class: "knob" })),
    h("div", { class: "schedule-words" },
      clocks.slice(0, 4).map((clock) => h("span", { class: "clock" },
        clock.words, " ", clock.code && h("code", {}, clock.code), " ",
        (clock.zone || clock.details) && h("span", { class: "muted" }, [clock.zone, clock.details].filter(Boolean).join(" ")))),
      clocks.length > 4 && h("span", { class: "muted" }, `and ${clocks.length - 4} more`),
      isFiltered && h("span", { class: "muted" }, "filtered: some of these times are skipped or moved"),
      h("span", { class: "next" },
        active ? (next ? ["next ", time(next), ` (${since(next)})`] : "active; no run is scheduled") : "paused")));
}

/** A dialog that says what went wrong. */
export async function problem(title, error) {
  const dialog = await import("./dialog.js");
  await dialog.open(title, (close) => h("div", { class: "dialog-body" },
    h("p", { role: "alert" }, error.message),
    h("footer", {}, h("button", { type: "button", class: "primary", autofocus: true, onclick: () => close() }, "Close"))));
}

export function command(text) {
  return h("span", { class: "command" }, h("code", {}, text),
    h("button", {
      type: "button", class: "plain", "aria-label": `Copy: ${text}`, title: "Copy",
      onclick: (event) => {
        const button = event.currentTarget;
        navigator.clipboard?.writeText(text).then(() => {
          button.classList.add("done");
          setTimeout(() => button.classList.remove("done"), 1200);
        }, () => {});
      },
    }, icon("copy")));
}

export function hint(...content) {
  return h("div", { class: "hint-box", role: "note", "data-key": "hint" }, icon("warning"), h("div", {}, content));
}

export const startAnAgent = () => [" Start one with ", command("kedro prefect agent"), " (or ", command("kedro prefect up"), ")."];

export const labelList = (labels) =>
  labels?.length ? labels.map((label) => h("span", { class: "label" }, label)) : h("span", { class: "muted" }, "no labels");

/** A parameter's value on one line; one that would be invisible is quoted. */
export const valueInShort = (value) => {
  const text = typeof value === "string" && value.trim() === value && value !== "" ? value : JSON.stringify(value ?? null);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
};
