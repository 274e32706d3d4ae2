// Asks for the token of an API that wants one. It is kept until the tab is closed, and sent to this API only.

import { token } from "../api.js";
import { h } from "../dom.js";

export function login(refused, done) {
  const input = h("input", { id: "token", type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  return h("form", {
    class: "login",
    onsubmit: (event) => {
      event.preventDefault();
      const given = input.value.trim();
      if (!given) return;
      token.set(given);
      done();
    },
  },
  h("h1", {}, "Sign in"),
  h("p", {}, "This API was started with a token (", h("code", {}, "KEDRO_PREFECT_TOKEN"), "). It stays in this tab, until you close it."),
  refused && h("p", { class: "error", role: "alert" }, "That is not the token."),
  h("div", { class: "field" }, h("label", { for: "token" }, "Token"), input),
  h("button", { type: "submit", class: "primary" }, "Sign in"));
}
