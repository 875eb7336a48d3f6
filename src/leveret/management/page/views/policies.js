// Policies and operator policies: what rules queues and exchanges by their names.

import { get, path, put, remove } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { count, plain } from "../format.js";
import { args, choice, field, form, vhostChoice } from "../forms.js";
import { badge, cell, numberCell, row, section, table } from "../parts.js";

const number = (label, hint) => ({ type: "number", label, hint });
const string = (label, hint) => ({ type: "string", label, hint });
const LIMITS = {
  "message-ttl": number("Message TTL", "milliseconds"), expires: number("Expires", "milliseconds unused"),
  "max-length": number("Max length", "messages"), "max-length-bytes": number("Max length in octets", "octets"),
  "delivery-limit": number("Delivery limit", "deliveries of one message"),
  overflow: string("Overflow", "drop-head, reject-publish or reject-publish-dlx"),
};
const KEYS = {
  ...LIMITS,
  "dead-letter-exchange": string("Dead letter exchange", "name"),
  "dead-letter-routing-key": string("Dead letter routing key", "key"),
  "dead-letter-strategy": string("Dead letter strategy", "at-most-once or at-least-once"),
  "consumer-timeout": number("Consumer timeout", "milliseconds until an ack"),
  "alternate-exchange": string("Alternate exchange", "gets what is routed nowhere"),
};
const APPLY_TO = [["all", "Exchanges and queues"], ["exchanges", "Exchanges"], ["queues", "Queues"],
  ["classic_queues", "Classic queues"], ["quorum_queues", "Quorum queues"]];
const KINDS = {
  policies: { title: "Policies", one: "policy", known: KEYS, applyTo: APPLY_TO, tag: "policymaker",
    intro: "Of the policies whose pattern matches a name, the one of the highest priority applies." },
  "operator-policies": { title: "Operator policies", one: "operator policy", known: LIMITS,
    applyTo: APPLY_TO.filter(([id]) => id.includes("queues")), tag: "administrator",
    intro: "They limit what users' policies and arguments may ask for: the stricter value counts." },
};

export function policiesView(page) {
  return {
    title: "Policies",
    load: async (signal) => {
      const [policies, operators] = await Promise.all([get("policies", signal), get("operator-policies", signal)]);
      return { policies, "operator-policies": operators };
    },
    render: (data) => [h("h1", {}, "Policies"), Object.entries(KINDS).map(([where, kind]) =>
      h("div", { key: where }, section(kind.title, h("p", { class: "intro" }, kind.intro),
        list(page, where, kind, data[where]), page.has(kind.tag) && add(page, where, kind))))],
  };
}

function list(page, where, kind, policies) {
  const heads = ["Virtual host", "Name", "Pattern", "Applies to", "#Priority", "Definition", ""];
  return table(kind.title, heads, policies.map((policy) => row(`${policy.vhost} ${policy.name}`,
    cell(policy.vhost), cell(policy.name), cell(h("code", {}, policy.pattern)), cell(policy["apply-to"]),
    numberCell(count(policy.priority)), cell(h("span", { class: "badges" },
      Object.entries(policy.definition).map(([key, value]) => badge(`${key}: ${plain(value)}`)))),
    cell(page.has(kind.tag) && h("button", { type: "button", class: "quiet",
      "aria-label": `Delete the ${kind.one} ${policy.name}`, onclick: () => drop(page, where, kind, policy) }, "Delete…")))),
  `There is no ${kind.one} yet.`);
}

function add(page, where, kind) {
  return h("details", { class: "panel", key: "add" }, h("summary", {}, `Add or change a ${kind.one}`.replace("a o", "an o")),
    form({
      key: "add", label: `Add or change: ${kind.one}`, submit: `Set ${kind.one}`,
      fields: [vhostChoice(page), field("Name", "name", { required: true }),
        field("Pattern", "pattern", { required: true, hint: "regular expression", placeholder: "^orders\\." }),
        choice("Applies to", "apply-to", kind.applyTo),
        field("Priority", "priority", { type: "number", value: 0, hint: "the highest counts" }),
        args("Definition", kind.known, { name: "definition" })],
      does: async ({ vhost, name, pattern, "apply-to": applyTo, priority, definition }) => {
        await put(path(where, vhost, name), { pattern, "apply-to": applyTo, priority: Number(priority), definition });
        await page.act(Promise.resolve(), `The ${kind.one} ${name} is set`);
      },
    }));
}

async function drop(page, where, kind, policy) {
  const agreed = await confirm({
    title: `Delete the ${kind.one} ${policy.name}?`, does: `Delete ${kind.one}`,
    text: `What it ruled in ${policy.vhost} falls under the next policy that matches, or under none.`,
  });
  if (agreed === null) return;
  await page.act(remove(path(where, policy.vhost, policy.name)), `The ${kind.one} ${policy.name} is deleted`);
}
