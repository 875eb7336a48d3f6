// Forms: fields with their labels, an editor of AMQP arguments, and refusals shown where they belong.

import { h, patch } from "./dom.js";
import { Refusal } from "./api.js";

let names = 0;

export function field(label, name, props = {}) {
  const { hint, wide, ...rest } = props;
  return h("label", { class: wide ? "field wide" : "field" }, caption(label, hint),
    h("input", { name, autocomplete: "off", spellcheck: "false", "aria-description": hint, ...rest }));
}

// The hint describes the field; its name is the label alone.
function caption(label, hint) {
  return h("span", label, hint && h("small", { "aria-hidden": "true" }, hint));
}

export function choice(label, name, options, props = {}) {
  return h("label.field", caption(label),
    h("select", { name, ...props }, options.map((option) => {
      const [value, text] = Array.isArray(option) ? option : [option, option];
      return h("option", { value }, text);
    })));
}

/** No, or yes and what that means. */
export const yesNo = (label, name, yes) => choice(label, name, [["false", "No"], ["true", `Yes: ${yes}`]]);
export const durability = () =>
  choice("Durability", "durable", [["true", "Durable: survives a restart"], ["false", "Transient"]]);

export const tick = (label, name, props = {}) =>
  h("label.tick", h("input", { type: "checkbox", name, ...props }), h("span", label));

export const area = (label, name, props = {}) =>
  h("label.field.wide", h("span", label),
    h("textarea", { name, rows: 5, spellcheck: "false", ...props }));

export const args = (label, suggestions = {}, props = {}) =>
  h("div.field.wide", h("span", label),
    h("arguments-editor", { ".suggestions": suggestions, ".label": label, ...props }));

export const vhostChoice = (page, props = {}) =>
  choice("Virtual host", "vhost", page.vhosts, { value: page.query.vhost || page.vhosts[0], ...props });

/** A form; `does` gets its values, and what it throws is shown in it. */
export function form({ submit, does, fields, keeps = false, danger = false }) {
  return h("form", { key: submit, "aria-label": submit, onsubmit: (event) => send(event, does, keeps) },
    h("div.fields", fields), h("form-fault", { role: "alert" }),
    h("div.buttons",
      h("button", { class: danger ? "danger" : "primary" }, submit)));
}

/** A form that opens when its title is clicked. */
export const panel = (title, ...content) =>
  h("details.panel", { key: title }, h("summary", title), content);

function values(element) {
  const found = Object.fromEntries(new FormData(element));
  for (const box of element.querySelectorAll("input[type=checkbox][name]")) {
    found[box.name] = box.checked;
  }
  const editors = element.querySelectorAll("arguments-editor");
  for (const editor of editors) found[editor.getAttribute("name") || "arguments"] = editor.value;
  return found;
}

async function send(event, does, keeps) {
  event.preventDefault();
  const element = event.currentTarget;
  const button = element.querySelector("button.primary, button.danger");
  const fault = element.querySelector("form-fault");
  fault.textContent = "";
  button.disabled = true;
  try {
    await does(values(element), element);
    if (!keeps) {
      element.reset();
      for (const editor of element.querySelectorAll("arguments-editor")) editor.clear();
    }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    fault.textContent = refusal.message;
  } finally {
    button.disabled = false;
  }
}

/** The JSON value in a text, or a refusal that names the field. */
export function json(text, what) {
  try {
    return JSON.parse(text);
  } catch (fault) {
    throw new Refusal(400, `${what} is no JSON: ${fault.message}`);
  }
}

const TYPES = ["string", "number", "boolean", "list", "table"];

/** Rows of name, value and type; `suggestions` maps names to {type, hint, label}. */
class ArgumentsEditor extends HTMLElement {
  #rows = [];
  #known = {};
  #label = "Arguments";
  #id = (names += 1);

  set suggestions(known) {
    // A new object of the same content must not disturb who is typing.
    if (JSON.stringify(known) === JSON.stringify(this.#known)) return;
    this.#known = known;
    this.#draw();
  }

  set label(text) {
    this.#label = text;
  }

  set initial(values) {
    this.#rows = Object.entries(values || {}).map(([name, value]) => this.#row(name, value));
    this.#draw();
  }

  get value() {
    this.#read();
    const filled = this.#rows.filter((row) => row.name.trim() !== "");
    return Object.fromEntries(filled.map((row) => [row.name.trim(), typed(row)]));
  }

  clear() {
    this.#rows = [];
    this.#draw();
  }

  connectedCallback() {
    this.#draw();
  }

  #row(name = "", value = undefined) {
    const known = this.#known[name] || {};
    const type = value === undefined ? known.type || "string" : typeOf(value);
    const text = type === "list" || type === "table" ? JSON.stringify(value ?? []) : String(value ?? "");
    return { id: (names += 1), name, text: value === undefined ? known.value || "" : text, type };
  }

  #read() {
    for (const row of this.#rows) {
      const cells = this.querySelector(`[data-row="${row.id}"]`);
      if (!cells) continue;
      const [name, text] = cells.querySelectorAll("input");
      Object.assign(row, { name: name.value, text: text.value, type: cells.querySelector("select").value });
    }
  }

  #add(name) {
    this.#read();
    const row = this.#row(name);
    this.#rows.push(row);
    this.#draw();
    const inputs = this.querySelectorAll(`[data-row="${row.id}"] input`);
    inputs[name ? 1 : 0].focus();
  }

  #drop(row) {
    this.#read();
    this.#rows = this.#rows.filter((other) => other !== row);
    this.#draw();
  }

  #draw() {
    const list = `known-${this.#id}`;
    const offered = Object.entries(this.#known);
    patch(this, [
      this.#rows.map((row) => h("div", { key: row.id, class: "argument", "data-row": row.id },
        h("input", { value: row.name, list, placeholder: "name", "aria-label": `${this.#label}: name` }),
        h("input", {
          value: row.text, placeholder: this.#known[row.name]?.hint || "value",
          "aria-label": `${this.#label}: value of ${row.name || "this"}`,
        }),
        h("select", { value: row.type, "aria-label": `${this.#label}: type` },
          TYPES.map((type) => h("option", { value: type }, type))),
        h("button", { type: "button", class: "quiet", "aria-label": `Remove ${row.name || "this row"}`,
          onclick: () => this.#drop(row) }, "×"))),
      h("div.offers",
        h("button", { class: "quiet", onclick: () => this.#add("") }, "+ Add one"),
        offered.map(([name, known]) => h("button", {
          type: "button", class: "chip", title: `${name}${known.hint ? `: ${known.hint}` : ""}`,
          onclick: () => this.#add(name) }, known.label || name))),
      h("datalist", { id: list }, offered.map(([name]) => h("option", { value: name }))),
    ]);
  }
}

function typeOf(value) {
  if (Array.isArray(value)) return "list";
  return value !== null && typeof value === "object" ? "table" : typeof value;
}

function typed({ name, text, type }) {
  if (type === "number") {
    if (text.trim() === "" || !Number.isFinite(Number(text))) {
      throw new Refusal(400, `${name} must be a number, and "${text}" is none.`);
    }
    return Number(text);
  }
  if (type === "boolean") return text.trim() === "true" || text.trim() === "1";
  return type === "list" || type === "table" ? json(text, name) : text;
}

customElements.define("arguments-editor", ArgumentsEditor);
customElements.define("form-fault", class extends HTMLElement {});
