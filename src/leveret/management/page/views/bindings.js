// Bindings of an exchange or a queue: shown, made, taken away.

import { path, post, remove, segment } from "../api.js";
import { h } from "../dom.js";
import { exchangeName, plain } from "../format.js";
import { args, choice, field, form } from "../forms.js";
import { cell, codeCell, exchangeLink, queueLink, quiet, row, table } from "../parts.js";

const HEADERS = { "x-match": { type: "string", label: "x-match", hint: "all, any, all-with-x or any-with-x" } };

const where = (binding) => path("bindings", binding.vhost, "e", binding.source,
  binding.destination_type === "queue" ? "q" : "e", binding.destination);

/** `end` is the end to name in each row: "source" or "destination". */
export function bindingTable(page, bindings, end, empty) {
  const heads = [end === "source" ? "From exchange" : "To", "Routing key", "Arguments", ""];
  return table(`Bindings by ${end}`, heads, bindings.map((binding) => row(
    `${binding.source} ${binding.destination_type} ${binding.destination} ${binding.properties_key}`,
    cell(end === "source" ? exchangeLink(binding.vhost, binding.source) : target(binding)),
    codeCell(binding.routing_key),
    cell(Object.keys(binding.arguments || {}).length ? plain(binding.arguments) : "–"),
    cell(binding.source === "" ? h("span.muted", "always there") : quiet("Unbind…",
      `Unbind ${binding.destination} from ${binding.source}`, () => unbind(page, binding))))), empty);
}

function target({ vhost, destination, destination_type: kind }) {
  return [kind === "queue" ? queueLink(vhost, destination) : exchangeLink(vhost, destination),
    h("small", ` ${kind}`)];
}

function unbind(page, binding) {
  const both = `${binding.destination} from ${exchangeName(binding.source)}`;
  page.ask({
    title: `Unbind ${both}?`, does: "Unbind",
    text: `Messages with the routing key "${binding.routing_key}" will no longer go this way.`,
    act: () => remove(`${where(binding)}/${segment(binding.properties_key)}`), done: `Unbound ${both}`,
  });
}

/** Bind this queue to an exchange the user names. */
export function bindQueueForm(page, vhost, queue) {
  return form({
    submit: "Bind",
    fields: [field("From exchange", "source", { required: true }), ...common()],
    does: (values) => bind(page, { ...values, vhost, destination: queue, destination_type: "queue" }),
  });
}

/** Bind this exchange to a queue or exchange the user names. */
export function bindExchangeForm(page, vhost, source) {
  return form({
    submit: "Bind",
    fields: [choice("To", "destination_type", [["queue", "queue"], ["exchange", "exchange"]]),
      field("Named", "destination", { required: true }), ...common()],
    does: (values) => bind(page, { ...values, vhost, source }),
  });
}

const common = () => [field("Routing key", "routing_key"), args("Arguments", HEADERS)];

async function bind(page, binding) {
  await post(where(binding), { routing_key: binding.routing_key, arguments: binding.arguments });
  await page.done(`${binding.destination} is bound to ${binding.source}`);
}
