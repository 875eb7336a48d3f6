// Channels, and one of them.

import { get, path, query, segment } from "../api.js";
import { h } from "../dom.js";
import { count, plain, rate, rateOf } from "../format.js";
import { listing } from "../listing.js";
import { ages, badge, cell, channelLink, connectionLink, exchangeLink, facts, flowChart, flowRows,
  numberCell, queueLink, rangeChoice, rangeOf, row, section, state, table } from "../parts.js";

const OUT = ["deliver", "deliver_no_ack", "ack", "redeliver", "get", "get_no_ack"];
const flow = (id, label, off) => ({
  id, label, off, number: true, sort: `message_stats.${id}_details.rate`,
  cell: (c) => rate(rateOf(c.message_stats, id)),
});

function mode(c) {
  return h("span", { class: "badges" }, c.confirm && badge("C", "", "publisher confirms"),
    c.transactional && badge("T", "", "transactions"));
}

export function channelsView(page) {
  return listing(page, {
    title: "Channels", key: "channels", sort: "name", vhosts: true,
    path: (vhost) => (vhost ? path("vhosts", vhost, "channels") : "channels"),
    rowKey: (item) => item.name,
    empty: () => "No client has opened a channel.",
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (c) => channelLink(c.name) },
      { id: "vhost", label: "Virtual host", sort: "vhost", cell: (c) => c.vhost },
      { id: "user", label: "User", sort: "user", cell: (c) => c.user },
      { id: "mode", label: "Mode", cell: mode },
      { id: "state", label: "State", sort: "state", cell: (c) => state(c.state) },
      { id: "consumers", label: "Consumers", sort: "consumer_count", number: true, off: true,
        cell: (c) => count(c.consumer_count) },
      { id: "prefetch", label: "Prefetch", sort: "prefetch_count", number: true,
        cell: (c) => [count(c.prefetch_count), c.global_prefetch_count > 0 && ` (${c.global_prefetch_count} in all)`] },
      { id: "unacked", label: "Unacked", sort: "messages_unacknowledged", number: true,
        cell: (c) => count(c.messages_unacknowledged) },
      { id: "unconfirmed", label: "Unconfirmed", sort: "messages_unconfirmed", number: true,
        cell: (c) => count(c.messages_unconfirmed) },
      flow("publish", "Publish"), flow("confirm", "Confirm"), flow("return_unroutable", "Returned", true),
      flow("deliver_get", "Deliver / get"), flow("redeliver", "Redelivered", true), flow("ack", "Ack"),
    ],
  });
}

export function channelView(page, name) {
  return {
    title: `Channel ${name}`, up: "#/channels", upTitle: "Channels",
    load: (signal) => get(`channels/${segment(name)}${query(ages(rangeOf(page.query), "msg_rates"))}`, signal),
    render: (channel) => [
      h("h1", {}, `Channel ${name}`),
      details(channel),
      h("div", { class: "charts" }, flowChart(channel.message_stats, rangeOf(page.query))), rangeChoice(page),
      section("Consumers", consumers(channel)),
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
    ["State", state(c.state)], ["Idle since", c.idle_since],
    ["Mode", [c.confirm && "publisher confirms", c.transactional && "transactions"].filter(Boolean).join(", ")],
    ["Prefetch", `${count(c.prefetch_count)} a consumer, ${count(c.global_prefetch_count)} in all`],
    ["Unacked", count(c.messages_unacknowledged)], ["Unconfirmed", count(c.messages_unconfirmed)],
    ["Uncommitted", count(c.messages_uncommitted)], ["Acks uncommitted", count(c.acks_uncommitted)],
    ["Node", c.node],
  ]);
}

function consumers({ consumer_details: list = [] }) {
  return table("Consumers", ["Tag", "Queue", "Ack", "Exclusive", "#Prefetch", "Active", "Arguments"], list.map((c) =>
    row(`${c.queue.vhost} ${c.consumer_tag}`, cell(c.consumer_tag), cell(queueLink(c.queue.vhost, c.queue.name)),
      cell(c.ack_required ? "manual" : "automatic"), cell(c.exclusive ? "yes" : "no"),
      numberCell(count(c.prefetch_count)), cell(c.active === false ? "waits" : "yes"), cell(plain(c.arguments)))),
  "It consumes from no queue.");
}
