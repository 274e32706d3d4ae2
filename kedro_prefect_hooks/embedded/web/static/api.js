// Requests to the API that served this page. Knows the token, if one is needed, and nothing of the requests.

const TOKEN = "kedro-prefect-token";
const TIMEOUT = 10_000; // milliseconds until an API that does not respond counts as unreachable

/** The API cannot be reached, or its response makes no sense. */
export class Unreachable extends Error {}
/** The API requires a token, or another one. */
export class Unauthorized extends Error {}
/** The API understood the request and refused it. */
export class Refused extends Error {}

export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value) => sessionStorage.setItem(TOKEN, value),
  clear: () => sessionStorage.removeItem(TOKEN),
};

/** The JSON that a POST returns. Throws one of the above. */
async function post(path, body, timeout = TIMEOUT) {
  const headers = { "Content-Type": "application/json" };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  let response;
  let content;
  try {
    response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal: AbortSignal.timeout(timeout) });
    if (response.status === 401) throw new Unauthorized("This API requires a token.");
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

/** The payload of a GraphQL mutation, given its name. */
export async function call(mutation, input, answer = "success") {
  const query = `mutation($input: ${mutation}_input!) { ${mutation}(input: $input) { ${answer} } }`;
  return (await ask(query, { input }))[mutation];
}

/** What the server derives from data that the page has: “layout”, “schedules”, “agents” or “parameters”. */
export const derive = (name, body, timeout) => post(`/derived/${name}`, body, timeout);
