// Asks the API that this page came from. Knows the token, if one is needed, and nothing of what is asked.

const TOKEN = "kedro-prefect-token";
const PATIENCE = 10_000; // milliseconds until a silent API counts as away

/** The API cannot be reached, or answers nonsense. */
export class Unreachable extends Error {}
/** The API wants a token, or another one. */
export class Unauthorized extends Error {}
/** The API understood, and says no. */
export class Refused extends Error {}

export const token = {
  get: () => sessionStorage.getItem(TOKEN),
  set: (value) => sessionStorage.setItem(TOKEN, value),
  clear: () => sessionStorage.removeItem(TOKEN),
};

/** The data of a GraphQL request. Throws one of the above. */
export async function ask(query, variables = {}) {
  const headers = { "Content-Type": "application/json" };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  let response;
  let content;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers,
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.status === 401) throw new Unauthorized("This API wants a token.");
    content = await response.json();
  } catch (error) {
    if (error instanceof Unauthorized) throw error;
    throw new Unreachable("The API does not answer.");
  }
  if (content.errors?.length) throw new Refused(content.errors.map((error) => error.message).join(" "));
  if (!response.ok || !content.data) throw new Unreachable(`The API answers with status ${response.status}.`);
  return content.data;
}

/** Call a mutation by its name; gives its payload. */
export async function call(mutation, input, answer = "success") {
  const query = `mutation($input: ${mutation}_input!) { ${mutation}(input: $input) { ${answer} } }`;
  return (await ask(query, { input }))[mutation];
}
