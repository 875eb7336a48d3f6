// Exchanges, and one of them.

import { getAll, path, put, remove } from "../api.js";
import { h } from "../dom.js";
import { exchangeName } from "../format.js";
import { args, choice, durability, field, form, panel, vhostChoice, yesNo } from "../forms.js";
import { listing } from "../listing.js";
import { ages, charts, danger, exchangeLink, facts, features, flow, flowChart, flowRows, queueLink,
  readerName, section, tableOf, to, vhostLink, words } from "../parts.js";
import { EXCHANGE_ARGUMENTS } from "../rules.js";
import { bindExchangeForm, bindingTable } from "./bindings.js";
import { publishForm } from "./publish.js";

const TYPES = ["direct", "fanout", "topic", "headers"];

export function exchangesView(page) {
  return listing(page, {
    title: "Exchanges", key: "exchanges", sort: "name", vhosts: true,
    path: (vhost) => (vhost ? path("exchanges", vhost) : "exchanges"),
    rowKey: (x) => `${x.vhost} ${x.name}`,
    empty: () => "There is no exchange here that you may see.",
    below: declare,
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (x) => exchangeLink(x.vhost, x.name) },
      words("vhost", "Virtual host", { off: page.vhosts.length < 2 }), words("type", "Type"),
      { id: "features", label: "Features", cell: features },
      flow("publish_in", "Rate in"), flow("publish_out", "Rate out"),
    ],
  });
}

function declare(page) {
  const offered = (page.about.exchange_types || []).filter((type) => type.enabled !== false).map((type) => type.name);
  return panel("Declare an exchange", form({
    submit: "Declare exchange",
    fields: [
      vhostChoice(page), field("Name", "name", { required: true }),
      choice("Type", "type", offered.length ? offered : TYPES, { value: "direct" }),
      durability(), yesNo("Auto-delete", "auto_delete", "goes with its last binding"),
      yesNo("Internal", "internal", "only exchanges publish to it"),
      args("Arguments", EXCHANGE_ARGUMENTS),
    ],
    does: async (values) => {
      const { vhost, name, type, durable, auto_delete, internal } = values;
      await put(path("exchanges", vhost, name), {
        type, durable: durable === "true", auto_delete: auto_delete === "true", internal: internal === "true",
        arguments: values.arguments,
      });
      await page.done(`Exchange ${name} is declared`);
    },
  }));
}

export function exchangeView(page, vhost, named) {
  const name = named === "amq.default" ? "" : named;
  const here = path("exchanges", vhost, named);
  return {
    title: `Exchange ${exchangeName(name)}`, up: "#/exchanges", upTitle: "Exchanges",
    load: (signal) => getAll({
      exchange: here + ages(page, "msg_rates"),
      outward: `${here}/bindings/source`, inward: `${here}/bindings/destination`,
    }, signal),
    render: (data) => view(page, vhost, named, data),
  };
}

function view(page, vhost, named, { exchange, outward, inward }) {
  const name = exchange.name;
  const isDefault = name === "";
  return [
    facts([
      ["Virtual host", vhostLink(vhost)], ["Type", exchange.type], ["Features", features(exchange)],
      ["Policy", exchange.policy], ["Arguments", tableOf(exchange.arguments)],
      ["Declared by", exchange.user_who_performed_action],
    ]),
    charts(page, flowChart(page, exchange.message_stats, { publish_in: "Publish in", publish_out: "Publish out" })),
    section("Bindings from here", isDefault
      ? h("p.empty", "The default exchange leads to each queue by the queue's name.")
      : [bindingTable(page, outward, "destination", "No binding leads from here: what is published is dropped."),
        h("h3", "Add a binding"), bindExchangeForm(page, vhost, name)]),
    !isDefault && section("Bindings to here", bindingTable(page, inward, "source", "No exchange leads here.")),
    section("Publish a message", exchange.internal
      ? h("p.empty", "It is internal: only exchanges publish to it.")
      : publishForm(page, vhost, named)),
    (exchange.incoming || []).length > 0 && section("Published by", flowRows(exchange.incoming, {
      title: "Channel", key: (item) => readerName(item.channel_details), of: (item) => readerName(item.channel_details),
    }, ["publish", "confirm"], "Published by", "")),
    (exchange.outgoing || []).length > 0 && section("Routed to", flowRows(exchange.outgoing, {
      title: "Queue", key: (item) => item.queue.name, of: (item) => queueLink(item.queue.vhost, item.queue.name),
    }, ["publish"], "Routed to", "")),
    !name.startsWith("amq.") && !isDefault && section("Delete",
      danger("Delete this exchange…", () => drop(page, vhost, name, outward))),
  ];
}

function drop(page, vhost, name, outward) {
  page.ask({
    title: `Delete the exchange ${name}?`, does: "Delete exchange",
    text: `${outward.length} binding(s) that lead from it go too. What is published to it will be refused.`,
    act: () => remove(path("exchanges", vhost, name)), done: `Exchange ${name} is deleted`, go: "#/exchanges",
  });
}
