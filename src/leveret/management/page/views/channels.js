// Channels, and one of them.

import { get, path, segment } from "../api.js";
import { h } from "../dom.js";
import { count, since } from "../format.js";
import { listing } from "../listing.js";
import { ages, amount, badge, cell, channelLink, charts, connectionLink, consumerTable, exchangeLink, facts,
  flow, flowChart, flowRows, queueLink, section, state, STATE, words } from "../parts.js";

const OUT = ["deliver", "deliver_no_ack", "ack", "redeliver", "get", "get_no_ack"];

function mode(c) {
  return h("span.badges", c.confirm && badge("C", "", "publisher confirms"),
    c.transactional && badge("T", "", "transactions"));
}

export function channelsView(page) {
  return listing(page, {
    title: "Channels", key: "channels", sort: "name", vhosts: true,
    path: (vhost) => (vhost ? path("vhosts", vhost, "channels") : "channels"),
    rowKey: (item) => item.name,
    empty: () => "No client has opened a channel.",
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (c) => h("span.long", channelLink(c.name)) },
      words("vhost", "Virtual host", { off: page.vhosts.length < 2 }), words("user", "User"),
      { id: "mode", label: "Mode", cell: mode },
      STATE,
      amount("consumer_count", "Consumers", count, true),
      { id: "prefetch", label: "Prefetch", sort: "prefetch_count", number: true,
        cell: (c) => [count(c.prefetch_count), c.global_prefetch_count > 0 && ` (${c.global_prefetch_count} in all)`] },
      amount("messages_unacknowledged", "Unacked"), amount("messages_unconfirmed", "Unconfirmed"),
      flow("publish", "Publish"), flow("confirm", "Confirm"), flow("return_unroutable", "Returned", true),
      flow("deliver_get", "Deliver / get"), flow("redeliver", "Redelivered", true), flow("ack", "Ack"),
    ],
  });
}

export function channelView(page, name) {
  return {
    title: `Channel ${name}`, up: "#/channels", upTitle: "Channels",
    load: (signal) => get(`channels/${segment(name)}${ages(page, "msg_rates")}`, signal),
    render: (channel) => [
      details(channel),
      charts(page, flowChart(page, channel.message_stats)),
      section("Consumers", consumerTable(channel.consumer_details, "Queue",
        ({ queue: { vhost, name: of } }) => queueLink(vhost, of), "It consumes from no queue.")),
      section("Publishes to", flowRows(channel.publishes, exchange, ["publish", "confirm", "return_unroutable"],
        "Publishes", "It has published nothing.")),
      section("Gets from", flowRows(channel.deliveries, queue, OUT, "Deliveries", "It was delivered nothing.")),
    ],
  };
}

const exchange = {
  title: "Exchange", key: (item) => item.exchange.name,
  of: (item) => exchangeLink(item.exchange.vhost, item.exchange.name),
};
const queue = {
  title: "Queue", key: (item) => item.queue.name, of: (item) => queueLink(item.queue.vhost, item.queue.name),
};

function details(c) {
  const connection = c.connection_details || {};
  return facts([
    ["Connection", connection.name ? connectionLink(connection.name) : "–"], ["User", c.user], ["Virtual host", c.vhost],
    ["State", state(c.state)], ["Idle since", since(c.idle_since)],
    ["Mode", [c.confirm && "publisher confirms", c.transactional && "transactions"].filter(Boolean).join(", ")],
    ["Prefetch", `${count(c.prefetch_count)} a consumer, ${count(c.global_prefetch_count)} in all`],
    ["Unacked", count(c.messages_unacknowledged)], ["Unconfirmed", count(c.messages_unconfirmed)],
    ["Uncommitted", count(c.messages_uncommitted)], ["Acks uncommitted", count(c.acks_uncommitted)],
    ["Node", c.node],
  ]);
}
