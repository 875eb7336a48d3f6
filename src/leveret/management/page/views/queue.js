// One queue: how it is, its messages, its bindings, and what can be done to it.

import { getAll, path } from "../api.js";
import { h } from "../dom.js";
import { count, duration, isNumber, octets, since } from "../format.js";
import { ages, charts, connectionLink, consumerTable, exchangeLink, facts, features, flowChart, flowRows,
  lengthChart, reader, readerName, section, state, tableOf, tiles, to, vhostLink } from "../parts.js";
import { bindQueueForm, bindingTable } from "./bindings.js";
import { browser } from "./browse.js";
import { manage } from "./manage.js";
import { publishForm } from "./publish.js";

const TABS = [["", "Overview"], ["messages", "Messages"], ["bindings", "Bindings"], ["publish", "Publish"],
  ["manage", "Purge, move, delete"]];

export function queueView(page, vhost, name) {
  const here = path("queues", vhost, name);
  const messages = browser(page, here);
  const tab = () => page.query.tab || "";
  return {
    title: `Queue ${name}`, up: "#/queues", upTitle: "Queues",
    load: async (signal) => {
      const [answers, found] = await Promise.all([
        getAll({
          queue: here + ages(page, "lengths", "msg_rates"),
          bindings: tab() === "bindings" ? `${here}/bindings` : null,
        }, signal),
        tab() === "messages" ? messages.load(signal) : null]);
      return { ...answers, found };
    },
    render: ({ queue, bindings, found }) => [
      tabs(vhost, name, tab()),
      {
        "": () => overview(page, queue),
        messages: () => messages.render(queue, found),
        bindings: () => bindingSection(page, vhost, name, bindings),
        publish: () => [h("p.intro",
          "Through the default exchange, straight into this queue, past its bindings."),
        publishForm(page, vhost, "", name, true)],
        manage: () => manage(page, vhost, queue),
      }[tab()]?.(),
    ],
  };
}

function tabs(vhost, name, tab) {
  const here = to("queues", vhost, name);
  return h("nav.tabs", { "aria-label": "Of this queue" }, TABS.map(([id, label]) =>
    h("a", { key: id, href: id ? `${here}?tab=${id}` : here, "aria-current": id === tab && "page" }, label)));
}

function overview(page, queue) {
  return [
    tiles([["Ready", queue.messages_ready], ["Unacked", queue.messages_unacknowledged],
      ["Total", queue.messages], ["Consumers", queue.consumers], ["Size", octets(queue.message_bytes)]]),
    charts(page, lengthChart(page, queue), flowChart(page, queue.message_stats)),
    section("Details", details(queue)),
    section("Consumers", consumerTable(queue.consumer_details, "Channel",
      ({ channel_details: of }) => reader(of),
      "Nobody consumes: messages wait here until somebody does.")),
    (queue.incoming || []).length > 0 && section("Published from", flowRows(queue.incoming, {
      title: "Exchange", key: (item) => item.exchange.name,
      of: (item) => exchangeLink(item.exchange.vhost, item.exchange.name),
    }, ["publish"], "Published from", "")),
    (queue.deliveries || []).length > 0 && section("Delivered to", flowRows(queue.deliveries, {
      title: "Channel", key: (item) => readerName(item.channel_details), of: (item) => reader(item.channel_details),
    }, ["deliver", "deliver_no_ack", "ack", "redeliver"], "Delivered to", "")),
  ];
}

function details(q) {
  const owner = q.owner_pid_details && q.owner_pid_details.name;
  const oldest = isNumber(q.head_message_timestamp) ? duration(Date.now() - q.head_message_timestamp * 1000) : undefined;
  return facts([
    ["Virtual host", vhostLink(q.vhost)], ["Type", q.type], ["State", state(q.state)],
    ["Features", features(q)], ["Arguments", tableOf(q.arguments)],
    ["Policy", q.policy], ["Operator policy", q.operator_policy],
    ["Policies say", tableOf(q.effective_policy_definition, "nothing")],
    owner && ["Exclusive to", connectionLink(owner)],
    q.single_active_consumer_tag && ["Single active consumer", q.single_active_consumer_tag],
    ["Consumer capacity", isNumber(q.consumer_capacity) ? `${Math.round(q.consumer_capacity * 100)} %` : undefined],
    q.idle_since && ["Idle since", since(q.idle_since)], oldest && ["Age of the first message", oldest],
    ["Octets ready", octets(q.message_bytes_ready)], ["Octets unacked", octets(q.message_bytes_unacknowledged)],
    ["Persistent", `${count(q.messages_persistent)}, ${octets(q.message_bytes_persistent)}`],
    ["In memory", `${count(q.messages_ram)}, ${octets(q.message_bytes_ram)}`],
    isNumber(q.memory) && ["Memory", octets(q.memory)],
    isNumber(q.delivery_limit) && ["Delivery limit", count(q.delivery_limit)],
    ["Node", q.node], q.leader && ["Leader", q.leader], q.members && ["Members", q.members.join(", ")],
  ]);
}

function bindingSection(page, vhost, name, bindings) {
  if (!bindings) return h("p.empty", "Loading…");
  return [
    bindingTable(page, bindings, "source", "No exchange leads here."),
    section("Add a binding", bindQueueForm(page, vhost, name)),
  ];
}
