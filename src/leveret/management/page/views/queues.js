// The list of queues, and the form that declares one.

import { path, put } from "../api.js";
import { octets, since } from "../format.js";
import { args, choice, durability, field, form, panel, vhostChoice, yesNo } from "../forms.js";
import { listing } from "../listing.js";
import { amount, features, flow, queueLink, STATE, to, words } from "../parts.js";
import { QUEUE_ARGUMENTS } from "../rules.js";

const share = (value) => (typeof value === "number" ? `${Math.round(value * 100)} %` : "–");

export function queuesView(page) {
  return listing(page, {
    title: "Queues", key: "queues", sort: "name", vhosts: true,
    path: (vhost) => (vhost ? path("queues", vhost) : "queues"),
    rowKey: (q) => `${q.vhost} ${q.name}`,
    empty: () => "There is no queue yet. Declare one below, or let a client do it.",
    below: declare,
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (q) => queueLink(q.vhost, q.name) },
      words("vhost", "Virtual host", { off: page.vhosts.length < 2 }), words("type", "Type"),
      { id: "features", label: "Features", cell: features },
      STATE,
      amount("messages_ready", "Ready"), amount("messages_unacknowledged", "Unacked"),
      amount("messages", "Total"), amount("consumers", "Consumers"),
      flow("publish", "Incoming"), flow("deliver_get", "Deliver / get"), flow("ack", "Ack"),
      flow("redeliver", "Redelivered", true), amount("message_bytes", "Size", octets, true),
      amount("memory", "Memory", octets, true),
      amount("consumer_capacity", "Consumer capacity", share, true),
      words("idle_since", "Idle since", { off: true, cell: (q) => since(q.idle_since) }), words("node", "Node", { off: true }),
    ],
  });
}

function declare(page) {
  return panel("Declare a queue", form({
    submit: "Declare queue",
    fields: [
      vhostChoice(page), field("Name", "name", { required: true, hint: "up to 255 octets" }),
      choice("Type", "type", [["", "the virtual host's default"], "classic", "quorum"]),
      durability(), yesNo("Auto-delete", "auto_delete", "goes with its last consumer"),
      args("Arguments", QUEUE_ARGUMENTS),
    ],
    does: async (values) => {
      const found = values.arguments;
      if (values.type) found["x-queue-type"] = values.type;
      await put(path("queues", values.vhost, values.name), {
        durable: values.durable === "true", auto_delete: values.auto_delete === "true", arguments: found,
      });
      await page.done(`Queue ${values.name} is declared`);
      if (page.query.vhost && page.query.vhost !== values.vhost) page.go(to("queues", values.vhost, values.name));
    },
  }));
}
