// Exchanges, and one of them.

import { get, path, put, query, remove } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { exchangeName, rate, rateOf } from "../format.js";
import { args, choice, field, form, panel, vhostChoice } from "../forms.js";
import { listing } from "../listing.js";
import { ages, exchangeLink, facts, features, flowChart, flowRows, link, queueLink, rangeChoice, rangeOf,
  section, tableOf, to } from "../parts.js";
import { bindExchangeForm, bindingTable } from "./bindings.js";
import { publishForm } from "./publish.js";

const ARGUMENTS = {
  "alternate-exchange": { type: "string", label: "Alternate exchange", hint: "gets what is routed nowhere" },
  "x-delayed-type": { type: "string", label: "Delayed type", hint: "type that x-delayed-message routes by" },
};
const TYPES = ["direct", "fanout", "topic", "headers"];
const flow = (id, label) => ({
  id, label, number: true, sort: `message_stats.${id}_details.rate`, cell: (x) => rate(rateOf(x.message_stats, id)),
});

export function exchangesView(page) {
  return listing(page, {
    title: "Exchanges", key: "exchanges", sort: "name", vhosts: true,
    path: (vhost) => (vhost ? path("exchanges", vhost) : "exchanges"),
    rowKey: (x) => `${x.vhost} ${x.name}`,
    empty: () => "There is no exchange here that you may see.",
    below: declare,
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (x) => exchangeLink(x.vhost, x.name) },
      { id: "vhost", label: "Virtual host", sort: "vhost", off: page.vhosts.length < 2, cell: (x) => x.vhost },
      { id: "type", label: "Type", sort: "type", cell: (x) => x.type },
      { id: "features", label: "Features", cell: features },
      flow("publish_in", "Rate in"), flow("publish_out", "Rate out"),
    ],
  });
}

function declare(page) {
  const offered = (page.about.exchange_types || []).filter((type) => type.enabled !== false).map((type) => type.name);
  return panel("Declare an exchange", form({
    key: "declare-exchange", label: "Declare an exchange", submit: "Declare exchange",
    fields: [
      vhostChoice(page), field("Name", "name", { required: true }),
      choice("Type", "type", offered.length ? offered : TYPES, { value: "direct" }),
      choice("Durability", "durable", [["true", "Durable: is there after a restart"], ["false", "Transient"]]),
      choice("Auto-delete", "auto_delete", [["false", "No"], ["true", "Yes: goes with its last binding"]]),
      choice("Internal", "internal", [["false", "No"], ["true", "Yes: only exchanges publish to it"]]),
      args("Arguments", ARGUMENTS),
    ],
    does: async (values) => {
      const { vhost, name, type, durable, auto_delete, internal } = values;
      await put(path("exchanges", vhost, name), {
        type, durable: durable === "true", auto_delete: auto_delete === "true", internal: internal === "true",
        arguments: values.arguments,
      });
      await page.act(Promise.resolve(), `Exchange ${name} is declared`);
    },
  }));
}

export function exchangeView(page, vhost, named) {
  const name = named === "amq.default" ? "" : named;
  const here = path("exchanges", vhost, named);
  return {
    title: `Exchange ${exchangeName(name)}`, up: "#/exchanges", upTitle: "Exchanges",
    load: async (signal) => {
      const [exchange, outward, inward] = await Promise.all([
        get(here + query(ages(rangeOf(page.query), "msg_rates")), signal),
        get(`${here}/bindings/source`, signal), get(`${here}/bindings/destination`, signal)]);
      return { exchange, outward, inward };
    },
    render: (data) => view(page, vhost, named, data),
  };
}

function view(page, vhost, named, { exchange, outward, inward }) {
  const name = exchange.name;
  const isDefault = name === "";
  return [
    h("h1", {}, `Exchange ${exchangeName(name)}`),
    facts([
      ["Virtual host", link(to("vhosts", vhost), vhost)], ["Type", exchange.type], ["Features", features(exchange)],
      ["Policy", exchange.policy], ["Arguments", tableOf(exchange.arguments)],
      ["Declared by", exchange.user_who_performed_action],
    ]),
    h("div", { class: "charts" }, flowChart(exchange.message_stats, rangeOf(page.query),
      { publish_in: "Publish in", publish_out: "Publish out" })), rangeChoice(page),
    section("Bindings from here", isDefault
      ? h("p", { class: "empty" }, "The default exchange leads to each queue by the queue's name.")
      : [bindingTable(page, outward, "destination", "No binding leads from here: what is published is dropped."),
        h("h3", {}, "Add a binding"), bindExchangeForm(page, vhost, name)]),
    !isDefault && section("Bindings to here", bindingTable(page, inward, "source", "No exchange leads here.")),
    section("Publish a message", exchange.internal
      ? h("p", { class: "empty" }, "It is internal: only exchanges publish to it.")
      : publishForm(page, vhost, named)),
    (exchange.incoming || []).length > 0 && section("Published by", flowRows(exchange.incoming, {
      title: "Channel", key: (item) => item.channel_details.name, of: (item) => item.channel_details.name,
    }, ["publish", "confirm"], "Published by", "")),
    (exchange.outgoing || []).length > 0 && section("Routed to", flowRows(exchange.outgoing, {
      title: "Queue", key: (item) => item.queue.name, of: (item) => queueLink(item.queue.vhost, item.queue.name),
    }, ["publish"], "Routed to", "")),
    !name.startsWith("amq.") && !isDefault && section("Delete",
      h("button", { type: "button", class: "danger", onclick: () => drop(page, vhost, name, outward) },
        "Delete this exchange…")),
  ];
}

async function drop(page, vhost, name, outward) {
  const agreed = await confirm({
    title: `Delete the exchange ${name}?`, does: "Delete exchange",
    text: `${outward.length} binding(s) that lead from it go too. What is published to it will be refused.`,
  });
  if (agreed === null) return;
  if (await page.act(remove(path("exchanges", vhost, name)), `Exchange ${name} is deleted`)) page.go("#/exchanges");
}
