// The keyboard: everything that a mouse does here, and quicker.

import { closeNotes, tell } from "./dialog.js";
import { h } from "./dom.js";

const PLACES = {
  o: ["", "Overview"], c: ["connections", "Connections"], h: ["channels", "Channels"],
  e: ["exchanges", "Exchanges"], q: ["queues", "Queues"], s: ["consumers", "Consumers"],
  u: ["users", "Users"], v: ["vhosts", "Virtual hosts"], p: ["policies", "Policies"],
  l: ["limits", "Limits"], n: ["cluster", "Cluster"], i: ["live", "Live"],
};
const KEYS = [
  ["/", "filter the list"], ["↓ ↑ or j k", "go through the rows"], ["Enter", "open the row"],
  ["Esc", "leave the field, close what is open, go up"], ["r", "refresh now"], ["t", "theme"],
  ["?", "this list"],
];
const GO_MS = 1500;

let goingSince = 0;

/** `page` to act on; `cycleTheme` and so on are what single keys do. */
export function watchKeys(page, singles) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !page.view) return;
    if (event.key === "Escape") return escape(event, page);
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return undefined;
    const isDone = go(event, page) || rows(event) || single(event, page, singles);
    if (isDone) event.preventDefault();
    return undefined;
  });
}

function isTyping(target) {
  return target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])");
}

function go({ key }, page) {
  const isGoing = Date.now() - goingSince < GO_MS;
  goingSince = 0;
  if (isGoing && key in PLACES) {
    page.go(`#/${PLACES[key][0]}`);
    return true;
  }
  if (key === "g") goingSince = Date.now();
  return key === "g";
}

function rows({ key, target }) {
  const down = key === "ArrowDown" || key === "j";
  if (!down && key !== "ArrowUp" && key !== "k") return false;
  const links = [...document.querySelectorAll("table.list tbody tr, .messages li")]
    .map((row) => row.querySelector("a, button")).filter(Boolean);
  const here = links.findIndex((link) => link.closest("tr, li") === target.closest("tr, li"));
  // Arrows scroll as ever, unless somebody is in the list; j and k enter it.
  if (!links.length || (here < 0 && key.startsWith("Arrow"))) return false;
  links[Math.max(0, Math.min(links.length - 1, here + (down ? 1 : -1)))].focus();
  return true;
}

function single({ key }, page, singles) {
  if (key === "/") {
    const filter = document.getElementById("filter");
    filter?.focus();
    filter?.select();
    return Boolean(filter);
  }
  if (key === "?") help();
  else if (key === "r") page.refresh();
  else if (key in singles) singles[key]();
  else return false;
  return true;
}

function escape(event, page) {
  if (document.querySelector("dialog[open]")) return; // the browser closes it
  const open = document.querySelector("details.chooser[open]");
  if (open) open.open = false;
  else if (closeNotes()) return;
  else if (isTyping(event.target)) event.target.blur();
  else if (page.view.up) page.go(page.view.up);
}

export function help() {
  const places = Object.entries(PLACES).map(([key, [, name]]) => [`g ${key}`, name]);
  tell("Keyboard", h("dl.facts.keys", [...KEYS, ...places].map(([key, does]) =>
    h("div", { key }, h("dt", h("kbd", key)), h("dd", does)))));
}
