// The list of queues, and the form that declares one.

import { path, put } from "../api.js";
import { count, octets, rate, rateOf } from "../format.js";
import { args, choice, field, form, panel, vhostChoice } from "../forms.js";
import { listing } from "../listing.js";
import { features, queueLink, state, to } from "../parts.js";

export const ARGUMENTS = {
  "x-message-ttl": { type: "number", label: "Message TTL", hint: "milliseconds a message may wait" },
  "x-expires": { type: "number", label: "Expires", hint: "milliseconds unused until the queue goes" },
  "x-max-length": { type: "number", label: "Max length", hint: "messages" },
  "x-max-length-bytes": { type: "number", label: "Max length in octets", hint: "octets" },
  "x-overflow": { type: "string", label: "Overflow", hint: "drop-head, reject-publish or reject-publish-dlx" },
  "x-dead-letter-exchange": { type: "string", label: "Dead letter exchange", hint: "name" },
  "x-dead-letter-routing-key": { type: "string", label: "Dead letter routing key", hint: "key" },
  "x-max-priority": { type: "number", label: "Priorities", hint: "highest priority, 1 to 255" },
  "x-single-active-consumer": { type: "boolean", label: "Single active consumer", value: "true" },
  "x-delivery-limit": { type: "number", label: "Delivery limit", hint: "deliveries of one message" },
  "x-consumer-timeout": { type: "number", label: "Consumer timeout", hint: "milliseconds until an ack" },
};

const flow = (id, label, off) => ({
  id, label, off, number: true, sort: `message_stats.${id}_details.rate`,
  cell: (q) => rate(rateOf(q.message_stats, id)),
});
const amount = (id, label, off, write = count) => ({ id, label, off, number: true, sort: id, cell: (q) => write(q[id]) });

export function queuesView(page) {
  return listing(page, {
    title: "Queues", key: "queues", sort: "name", vhosts: true,
    path: (vhost) => (vhost ? path("queues", vhost) : "queues"),
    rowKey: (q) => `${q.vhost} ${q.name}`,
    empty: () => "There is no queue yet. Declare one below, or let a client do it.",
    below: declare,
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (q) => queueLink(q.vhost, q.name) },
      { id: "vhost", label: "Virtual host", sort: "vhost", off: page.vhosts.length < 2, cell: (q) => q.vhost },
      { id: "type", label: "Type", sort: "type", cell: (q) => q.type },
      { id: "features", label: "Features", cell: features },
      { id: "state", label: "State", sort: "state", cell: (q) => state(q.state) },
      amount("messages_ready", "Ready"), amount("messages_unacknowledged", "Unacked"),
      amount("messages", "Total"), amount("consumers", "Consumers"),
      flow("publish", "Incoming"), flow("deliver_get", "Deliver / get"), flow("ack", "Ack"),
      flow("redeliver", "Redelivered", true), amount("message_bytes", "Size", true, octets),
      amount("memory", "Memory", true, octets),
      { id: "utilisation", label: "Consumer capacity", number: true, off: true, sort: "consumer_capacity",
        cell: (q) => (typeof q.consumer_capacity === "number" ? `${Math.round(q.consumer_capacity * 100)} %` : "–") },
      { id: "idle", label: "Idle since", off: true, sort: "idle_since", cell: (q) => q.idle_since || "–" },
      { id: "node", label: "Node", off: true, sort: "node", cell: (q) => q.node },
    ],
  });
}

function declare(page) {
  return panel("Declare a queue", form({
    key: "declare-queue", label: "Declare a queue", submit: "Declare queue",
    fields: [
      vhostChoice(page), field("Name", "name", { required: true, hint: "up to 255 octets" }),
      choice("Type", "type", [["", "the virtual host's default"], "classic", "quorum"]),
      choice("Durability", "durable", [["true", "Durable: is there after a restart"], ["false", "Transient"]]),
      choice("Auto-delete", "auto_delete", [["false", "No"], ["true", "Yes: goes with its last consumer"]]),
      args("Arguments", ARGUMENTS),
    ],
    does: async (values) => {
      const found = values.arguments;
      if (values.type) found["x-queue-type"] = values.type;
      await put(path("queues", values.vhost, values.name), {
        durable: values.durable === "true", auto_delete: values.auto_delete === "true", arguments: found,
      });
      await page.act(Promise.resolve(), `Queue ${values.name} is declared`);
      if (page.query.vhost && page.query.vhost !== values.vhost) page.go(to("queues", values.vhost, values.name));
    },
  }));
}
