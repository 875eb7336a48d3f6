// What changes a queue as a whole: purge, move, delete.

import { path, post, remove } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { plural } from "../format.js";
import { choice, field, form } from "../forms.js";
import { section } from "../parts.js";

export function manage(page, vhost, queue) {
  return [
    section("Purge", h("p", { class: "muted" }, "Throws away the messages that are ready. Unacked ones stay with their consumers."),
      h("button", { type: "button", class: "danger", disabled: queue.messages_ready === 0,
        onclick: () => purge(page, vhost, queue) }, queue.messages_ready === 0 ? "Nothing to purge" : "Purge messages…")),
    section("Move messages", h("p", { class: "muted" }, "Moves the messages that are ready now to the end of another queue."),
      form({
        key: "move", label: "Move messages", submit: "Move messages…",
        fields: [choice("Virtual host", "vhost", page.vhosts, { value: vhost }),
          field("To queue", "destination", { required: true })],
        does: (values) => move(page, vhost, queue, values),
      })),
    section("Delete", form({
      key: "delete", label: "Delete this queue", submit: "Delete this queue…", danger: true, keeps: true,
      fields: [choice("Only if", "only", [["", "at once, in any case"], ["if-empty=true", "it is empty"],
        ["if-unused=true", "nobody consumes"], ["if-empty=true&if-unused=true", "it is empty and nobody consumes"]])],
      does: ({ only }) => drop(page, vhost, queue, only),
    })),
  ];
}

async function purge(page, vhost, queue) {
  const agreed = await confirm({
    title: `Purge ${queue.name}?`, does: "Purge messages",
    text: `${plural(queue.messages_ready, "ready message")} will be gone for good.`,
  });
  if (agreed === null) return;
  await page.act(remove(path("queues", vhost, queue.name, "contents")), `Queue ${queue.name} is purged`);
}

async function move(page, vhost, queue, { vhost: there, destination }) {
  const agreed = await confirm({
    title: `Move messages from ${queue.name} to ${destination}?`, does: "Move messages", isDangerous: false,
    text: `${plural(queue.messages_ready, "ready message")} will wait in ${destination} instead.`,
  });
  if (agreed === null) return;
  const answer = await post(path("queues", vhost, queue.name, "move"), { destination, vhost: there });
  const moved = answer && typeof answer.moved === "number" ? plural(answer.moved, "message") : "The messages";
  await page.act(Promise.resolve(), `${moved} moved to ${destination}`);
}

async function drop(page, vhost, queue, only) {
  const agreed = await confirm({
    title: `Delete the queue ${queue.name}?`, does: "Delete queue",
    text: `${plural(queue.messages, "message")} and all its bindings go with it; `
      + `${plural(queue.consumers, "consumer")} will be cancelled.`,
  });
  if (agreed === null) return;
  await remove(path("queues", vhost, queue.name) + (only ? `?${only}` : ""));
  await page.act(Promise.resolve(), `Queue ${queue.name} is deleted`);
  page.go("#/queues");
}
