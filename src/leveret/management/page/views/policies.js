// Policies and operator policies: what rules queues and exchanges by their names.

import { getAll, path, put, remove } from "../api.js";
import { h } from "../dom.js";
import { count, plain } from "../format.js";
import { args, choice, field, form, vhostChoice } from "../forms.js";
import { badge, cell, codeCell, numberCell, quiet, row, section, table } from "../parts.js";
import { LIMITS, POLICY } from "../rules.js";

const APPLY_TO = [["all", "Exchanges and queues"], ["exchanges", "Exchanges"], ["queues", "Queues"],
  ["classic_queues", "Classic queues"], ["quorum_queues", "Quorum queues"]];
const KINDS = {
  policies: { title: "Policies", one: "policy", known: POLICY, applyTo: APPLY_TO, tag: "policymaker",
    intro: "Of the policies whose pattern matches a name, the one of the highest priority applies." },
  "operator-policies": { title: "Operator policies", one: "operator policy", known: LIMITS,
    applyTo: APPLY_TO.filter(([id]) => id.includes("queues")), tag: "administrator",
    intro: "They limit what users' policies and arguments may ask for: the stricter value counts." },
};

export function policiesView(page) {
  return {
    title: "Policies",
    load: (signal) => getAll({ policies: "policies", "operator-policies": "operator-policies" }, signal),
    render: (data) => Object.entries(KINDS).map(([where, kind]) =>
      h("div", { key: where }, section(kind.title, h("p.intro", kind.intro),
        list(page, where, kind, data[where]), page.has(kind.tag) && add(page, where, kind)))),
  };
}

function list(page, where, kind, policies) {
  const heads = ["Virtual host", "Name", "Pattern", "Applies to", "#Priority", "Definition", ""];
  return table(kind.title, heads, policies.map((policy) => row(`${policy.vhost} ${policy.name}`,
    cell(policy.vhost), cell(policy.name), codeCell(policy.pattern), cell(policy["apply-to"]),
    numberCell(count(policy.priority)), cell(h("span.badges",
      Object.entries(policy.definition).map(([key, value]) => badge(`${key}: ${plain(value)}`)))),
    cell(page.has(kind.tag) && quiet("Delete…", `Delete the ${kind.one} ${policy.name}`,
      () => drop(page, where, kind, policy))))),
  `There is no ${kind.one} yet.`);
}

function add(page, where, kind) {
  return h("details.panel", { key: "add" }, h("summary", `Add or change a ${kind.one}`.replace("a o", "an o")),
    form({
      submit: `Set ${kind.one}`,
      fields: [vhostChoice(page), field("Name", "name", { required: true }),
        field("Pattern", "pattern", { required: true, hint: "regular expression", placeholder: "^orders\\." }),
        choice("Applies to", "apply-to", kind.applyTo),
        field("Priority", "priority", { type: "number", value: 0, hint: "the highest counts" }),
        args("Definition", kind.known, { name: "definition" })],
      does: async ({ vhost, name, pattern, "apply-to": applyTo, priority, definition }) => {
        await put(path(where, vhost, name), { pattern, "apply-to": applyTo, priority: Number(priority), definition });
        await page.done(`The ${kind.one} ${name} is set`);
      },
    }));
}

function drop(page, where, kind, policy) {
  page.ask({
    title: `Delete the ${kind.one} ${policy.name}?`, does: `Delete ${kind.one}`,
    text: `What it ruled in ${policy.vhost} falls under the next policy that matches, or under none.`,
    act: () => remove(path(where, policy.vhost, policy.name)), done: `The ${kind.one} ${policy.name} is deleted`,
  });
}
