// Schedules in words, which come from the server. Each schedule is asked for once.

import { derive } from "./api.js";

const known = new Map(); // a serialised schedule as JSON → {clocks: [{words, code, zone, details}, …], is_filtered}

/** The schedule that applies to a flow, or null: its group's before its own. */
export const scheduleOf = (flow) => flow.flow_group?.schedule ?? flow.schedule ?? null;

/** Make the words of all these flows' schedules available to `inWords`. */
export async function load(flows) {
  const schedules = flows.map(scheduleOf).filter((schedule) => schedule && !known.has(JSON.stringify(schedule)));
  if (!schedules.length) return;
  const words = (await derive("schedules", { schedules })).schedules;
  schedules.forEach((schedule, index) => known.set(JSON.stringify(schedule), words[index]));
}

/** A flow's schedule in words; null if it has none. */
export const inWords = (flow) => known.get(JSON.stringify(scheduleOf(flow))) ?? null;
