// Asks for the token of an API that requires one. It is kept until the tab is closed, and sent to this API only.

import { token } from "../api.js";
import { h } from "../dom.js";

export function login(isWrong, onSubmit) {
  const input = h("input", { id: "token", type: "password", autocomplete: "off", required: true, spellcheck: "false" });
  return h("form", {
    class: "login",
    onsubmit: (event) => {
      event.preventDefault();
      const value = input.value.trim();
      if (!value) return;
      token.set(value);
      onSubmit();
    },
  },
  h("h1", {}, "Sign in"),
  h("p", {}, "This API requires a token (", h("code", {}, "KEDRO_PREFECT_TOKEN"), "). The browser forgets it when you close this tab."),
  isWrong && h("p", { class: "error", role: "alert" }, "That is not the token."),
  h("div", { class: "field" }, h("label", { for: "token" }, "Token"), input),
  h("button", { type: "submit", class: "primary" }, "Sign in"));
}
