// Who consumes from which queue.

import { path } from "../api.js";
import { listing } from "../listing.js";
import { amount, badge, queueLink, reader, readerName, words } from "../parts.js";

export function consumersView(page) {
  return listing(page, {
    title: "Consumers", key: "consumers", sort: "queue.name", vhosts: true,
    path: (vhost) => (vhost ? path("consumers", vhost) : "consumers"),
    hasNames: false,
    rowKey: (c) => `${readerName(c.channel_details)} ${c.consumer_tag} ${c.queue.name}`,
    empty: () => "Nobody consumes from any queue.",
    columns: [
      { id: "name", label: "Queue", sort: "queue.name", cell: (c) => queueLink(c.queue.vhost, c.queue.name) },
      { id: "vhost", label: "Virtual host", sort: "queue.vhost", cell: (c) => c.queue.vhost },
      words("consumer_tag", "Tag"),
      { id: "channel", label: "Channel", sort: "channel_details.name",
        cell: (c) => reader(c.channel_details) },
      { id: "ack", label: "Ack", sort: "ack_required", cell: (c) => (c.ack_required ? "manual" : "automatic") },
      { id: "exclusive", label: "Exclusive", sort: "exclusive", cell: (c) => (c.exclusive ? "yes" : "no") },
      amount("prefetch_count", "Prefetch"),
      { id: "active", label: "Active", sort: "active",
        cell: (c) => (c.active === false ? badge("waits", "warn", c.activity_status) : badge("active", "good")) },
      words("arguments", "Arguments", { off: true, sort: undefined }),
    ],
  });
}
