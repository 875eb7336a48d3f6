// Who are you?  The login is kept for this tab only, until it is closed.

import { forget, remember } from "./api.js";
import { h } from "./dom.js";
import { field } from "./forms.js";

/** `enter` asks the broker who this is; `fault` is what it said the last time. */
export function login({ enter, fault }) {
  const submit = async (event) => {
    event.preventDefault();
    const { user, password } = Object.fromEntries(new FormData(event.currentTarget));
    remember(user, password);
    try {
      await enter();
    } catch (refusal) {
      forget();
      const wrong = refusal.status === 401;
      show(wrong ? `Login failed. ${refusal.message === "Login failed" ? "" : refusal.message}`.trim()
        : refusal.message);
    }
  };
  return h("main", { id: "main", class: "login", tabindex: "-1" },
    h("form", { onsubmit: submit, "aria-label": "Log in" },
      h("h1", "Leveret"),
      h("p.muted", "Log in with a user of this broker."),
      field("User", "user", { autocomplete: "username", required: true, autofocus: true, autocapitalize: "none" }),
      field("Password", "password", { type: "password", autocomplete: "current-password" }),
      h("p.fault", { role: "alert", id: "login-fault" }, fault),
      h("div.buttons", h("button.primary", "Log in"))));
}

function show(text) {
  document.getElementById("login-fault").textContent = text;
  document.querySelector("input[name=password]").select();
}
