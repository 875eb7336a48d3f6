// Questions before something is lost, and short notes about what happened.

import { h, patch } from "./dom.js";

const NOTE_MS = 6000;
const notes = [];
let sequence = 0;

/** A note that goes by itself; refusals stay until they are closed. */
export function sign(text, kind = "good") {
  const note = { id: (sequence += 1), text, kind };
  notes.push(note);
  if (notes.length > 4) notes.shift();
  if (kind === "good") setTimeout(() => close(note), NOTE_MS);
  drawNotes();
}

function close(note) {
  const index = notes.indexOf(note);
  if (index >= 0) notes.splice(index, 1);
  drawNotes();
}

export function closeNotes() {
  const had = notes.length > 0;
  notes.length = 0;
  drawNotes();
  return had;
}

function drawNotes() {
  patch(document.getElementById("notes"), notes.map((note) =>
    h("div", { key: note.id, class: `note ${note.kind}` }, h("p", note.text),
      h("button", { class: "quiet", "aria-label": "Close this note",
        onclick: () => close(note) }, "×"))));
}

function open(title, content, buttons, end) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    end(dialog);
  });
  patch(dialog, h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, title), content,
    h("div.buttons", buttons)));
  dialog.showModal();
}

/** Ask in a dialog; resolves to null, or to the text typed where `field` asks for one, else true. */
export function confirm({ title, text, does, field, isDangerous = true }) {
  return new Promise((resolve) => {
    open(title, [
      text && h("p", text), field && h("label", field, h("input", { name: "text", autocomplete: "off" })),
    ], [
      // Enter in the field means the first button of a form, so the deed stands first in it.
      h("button", { value: "yes", class: isDangerous ? "danger" : "primary" }, does),
      h("button", { value: "no", autofocus: isDangerous }, "Cancel"),
    ], (dialog) => {
      const input = dialog.querySelector("input");
      resolve(dialog.returnValue === "yes" ? (input ? input.value : true) : null);
    });
  });
}

/** Show something to read in a dialog. */
export function tell(title, ...content) {
  open(title, content, h("button", { autofocus: true }, "Close"), () => {});
}
