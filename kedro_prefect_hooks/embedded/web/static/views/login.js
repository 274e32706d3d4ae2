// Asks for the token of an API that requires one. The browser keeps it for this URL until somebody signs out.

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
  h("p", {}, "This API requires a token. Open the URL that ", h("code", {}, "kedro prefect up"), " has printed, or enter the token: it is in ", h("code", {}, ".kedro_prefect/token"), " of the project, or what ", h("code", {}, "KEDRO_PREFECT_TOKEN"), " is set to."),
  isWrong && h("p", { class: "error", role: "alert" }, "That is not the token."),
  h("div", { class: "field" }, h("label", { for: "token" }, "Token"), input),
  h("button", { type: "submit", class: "primary" }, "Sign in"));
}
