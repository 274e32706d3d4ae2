// Requests to the API that served this page. Knows the token, if one is needed, and nothing of the requests.

import { changed } from "./changes.js";

const TOKEN = "kedro-prefect-token";
const TIMEOUT = 10_000; // milliseconds until an API that does not respond counts as unreachable

/** The API cannot be reached, or its response makes no sense. */
export class Unreachable extends Error {}
/** The API requires a token, or another one. */
export class Unauthorized extends Error {}
/** The API understood the request and refused it. */
export class Refused extends Error {}

export const token = {
  get: () => localStorage.getItem(TOKEN),
  set: (value) => localStorage.setItem(TOKEN, value),
  clear: () => {
    localStorage.removeItem(TOKEN);
    followed.clear();
  },
};

// The URL that `kedro prefect up` prints has the token, in the part that is sent to no server.
const given = /^#token=(.+)$/.exec(location.hash);
if (given) {
  token.set(decodeURIComponent(given[1]));
  history.replaceState(null, "", "#/");
}

/** The JSON that a POST returns, or null if there is none. Throws one of the above. */
async function post(path, body, timeout = TIMEOUT) {
  const headers = { "Content-Type": "application/json" };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  let response;
  let content;
  try {
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(timeout) });
    if (response.status === 401) throw new Unauthorized("This API requires a token.");
    if (response.status === 204) return null;
    content = await response.json();
  } catch (error) {
    if (error instanceof Unauthorized) throw error;
    throw new Unreachable("The API does not respond.");
  }
  if (content.errors?.length) throw new Refused(content.errors.map((error) => error.message).join(" "));
  if (!response.ok) throw new Unreachable(`The API responded with status ${response.status}.`);
  return content;
}

/** The data of a GraphQL request. */
export async function ask(query, variables = {}) {
  const { data } = await post("/graphql", { query, variables });
  if (!data) throw new Unreachable("The API responded without data.");
  return data;
}

const MAX_FOLLOWED = 8;
const followed = new Map(); // query and variables → the name of the latest answer, and its data

/** The data of a GraphQL query that is asked again and again: only what has changed is sent. Do not modify it. */
export async function follow(query, variables = {}) {
  const key = JSON.stringify([query, variables]);
  const before = followed.get(key);
  const answer = await post("/changes", { query, variables, known: before?.known });
  if (!answer) return before.data;
  const data = answer.changes ? changed(before.data, answer.changes) : answer.data;
  if (!data) throw new Unreachable("The API responded without data.");
  followed.delete(key);
  followed.set(key, { known: answer.known, data });
  if (followed.size > MAX_FOLLOWED) followed.delete(followed.keys().next().value);
  return data;
}

/** The payload of a GraphQL mutation, given its name. */
export async function call(mutation, input, answer = "success") {
  const query = `mutation($input: ${mutation}_input!) { ${mutation}(input: $input) { ${answer} } }`;
  return (await ask(query, { input }))[mutation];
}

/** What the server derives from data that the page has: “layout”, “schedules”, “agents” or “parameters”. */
export const derive = (name, body, timeout) => post(`/derived/${name}`, body, timeout);

/** The project and the environment that this API serves: {project, environment}, each null if it does not know. */
export const place = () => post("/place", {});
