// What changes a queue as a whole: purge, move, delete.

import { path, post, remove } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { plural } from "../format.js";
import { choice, field, form } from "../forms.js";
import { danger, section } from "../parts.js";

export function manage(page, vhost, queue) {
  return [
    section("Purge", h("p.muted", "Throws away the messages that are ready. Unacked ones stay with their consumers."),
      danger(queue.messages_ready === 0 ? "Nothing to purge" : "Purge messages…",
        () => purge(page, vhost, queue), { disabled: queue.messages_ready === 0 })),
    section("Move messages", h("p.muted", "Moves the messages that are ready now to the end of another queue."),
      form({
        submit: "Move messages…",
        fields: [field("To queue", "destination", { required: true }),
          field("How many", "count", { type: "number", min: 1, hint: "all if empty" })],
        does: (values) => move(page, vhost, queue, values),
      })),
    section("Delete", form({
      submit: "Delete this queue…", danger: true, keeps: true,
      fields: [choice("Only if", "only", [["", "at once, in any case"], ["if-empty=true", "it is empty"],
        ["if-unused=true", "nobody consumes"], ["if-empty=true&if-unused=true", "it is empty and nobody consumes"]])],
      does: ({ only }) => drop(page, vhost, queue, only),
    })),
  ];
}

function purge(page, vhost, queue) {
  page.ask({
    title: `Purge ${queue.name}?`, does: "Purge messages",
    text: `${plural(queue.messages_ready, "ready message")} will be gone for good.`,
    act: () => remove(path("queues", vhost, queue.name, "contents")), done: `Queue ${queue.name} is purged`,
  });
}

async function move(page, vhost, queue, { destination, count }) {
  const agreed = await confirm({
    title: `Move messages from ${queue.name} to ${destination}?`, does: "Move messages", isDangerous: false,
    text: `${count || "All"} of ${plural(queue.messages_ready, "ready message")} will wait in ${destination} instead.`,
  });
  if (agreed === null) return;
  const limit = count ? { count: Number(count) } : {};
  const { moved } = await post(path("queues", vhost, queue.name, "move"), { destination, ...limit });
  await page.done(`${plural(moved, "message")} moved to ${destination}`);
}

async function drop(page, vhost, queue, only) {
  const agreed = await confirm({
    title: `Delete the queue ${queue.name}?`, does: "Delete queue",
    text: `${plural(queue.messages, "message")} and all its bindings go with it; `
      + `${plural(queue.consumers, "consumer")} will be cancelled.`,
  });
  if (agreed === null) return;
  await remove(path("queues", vhost, queue.name) + (only ? `?${only}` : ""));
  await page.done(`Queue ${queue.name} is deleted`);
  page.go("#/queues");
}
