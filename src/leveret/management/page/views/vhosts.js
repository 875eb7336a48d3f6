// Virtual hosts, and one of them with rights and limits.

import { getAll, path, put, query, remove, segment } from "../api.js";
import { count, octetRate, plural, rateOf } from "../format.js";
import { choice, field, form, panel } from "../forms.js";
import { listing } from "../listing.js";
import { ages, amount, charts, danger, facts, flow, flowChart, lengthChart, link, quiet, section, state,
  vhostLink, words } from "../parts.js";
import { rights } from "./users.js";

const stateOf = (vhost) => Object.values(vhost.cluster_state || {})[0] || "running";
const TYPES = [["", "the node's default"], "classic", "quorum"];

export function vhostsView(page) {
  return listing(page, {
    title: "Virtual hosts", key: "vhosts", sort: "name", path: () => "vhosts", rowKey: (vhost) => vhost.name,
    empty: () => "There is no virtual host.",
    below: add,
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (v) => vhostLink(v.name) },
      words("description", "Description"),
      { id: "state", label: "State", cell: (v) => state(stateOf(v)) },
      { id: "tracing", label: "Tracing", sort: "tracing", cell: (v) => (v.tracing ? "on" : "off") },
      words("default_queue_type", "Default queue type", { off: true }),
      { id: "tags", label: "Tags", off: true, cell: (v) => (v.tags || []).join(", ") || "–" },
      amount("messages_ready", "Ready"), amount("messages_unacknowledged", "Unacked"),
      { id: "in", label: "From clients", number: true, off: true, cell: (v) => octetRate(rateOf(v, "recv_oct")) },
      { id: "out", label: "To clients", number: true, off: true, cell: (v) => octetRate(rateOf(v, "send_oct")) },
      flow("publish", "Publish"), flow("deliver_get", "Deliver / get"),
    ],
  });
}

const metadata = (vhost = {}) => [
  field("Description", "description", { value: vhost.description || "" }),
  field("Tags", "tags", { value: (vhost.tags || []).join(", "), hint: "separated by commas" }),
  choice("Default queue type", "default_queue_type", TYPES, {
    value: TYPES.includes(vhost.default_queue_type) ? vhost.default_queue_type : "" }),
];

function bodyOf({ description, tags, default_queue_type: type }) {
  return { description, tags, ...(type ? { default_queue_type: type } : {}) };
}

function add(page) {
  return page.has("administrator") && panel("Add a virtual host", form({
    submit: "Add virtual host",
    fields: [field("Name", "name", { required: true }), ...metadata()],
    does: async (values) => {
      await put(path("vhosts", values.name), bodyOf(values));
      await page.enter();
      await page.done(`Virtual host ${values.name} is added`);
    },
  }));
}

export function vhostView(page, name) {
  const here = path("vhosts", name);
  return {
    title: `Virtual host ${name}`, up: "#/vhosts", upTitle: "Virtual hosts",
    load: (signal) => getAll({
      vhost: here + ages(page, "lengths", "msg_rates"), limits: [`vhost-limits/${segment(name)}`, []],
      permissions: [`${here}/permissions`, []], topics: [`${here}/topic-permissions`, []], users: ["users", null],
    }, signal),
    render: (data) => view(page, name, data),
  };
}

function view(page, name, { vhost, permissions, topics, limits, users }) {
  const limited = Object.entries(limits[0]?.value || {}).map(([key, value]) => `${key} ${count(value)}`);
  return [
    facts([
      ["Description", vhost.description], ["Tags", (vhost.tags || []).join(", ")],
      ["State", state(stateOf(vhost))], ["Default queue type", vhost.default_queue_type],
      ["Limits", limited.join(", ") || "none"],
      ["Tracing", [vhost.tracing ? "on " : "off ", page.has("administrator") && quiet(vhost.tracing ? "Switch off" : "Switch on",
        `Switch tracing ${vhost.tracing ? "off" : "on"}`, () => trace(page, vhost))]],
      ["Queues", link(`#/queues${query({ vhost: name })}`, "Show its queues")],
    ]),
    charts(page, lengthChart(page, vhost), flowChart(page, vhost.message_stats)),
    page.has("administrator") && [
      rights(page, "permissions", permissions, "user", { vhost: name }, users),
      rights(page, "topic-permissions", topics, "user", { vhost: name }, users),
      section("Change", change(page, vhost)),
      section("Delete", danger("Delete this virtual host…", () => drop(page, vhost))),
    ],
  ];
}

function change(page, vhost) {
  return form({
    submit: "Change virtual host", keeps: true, fields: metadata(vhost),
    does: async (values) => {
      await put(path("vhosts", vhost.name), { ...bodyOf(values), tracing: vhost.tracing });
      await page.done(`Virtual host ${vhost.name} is changed`);
    },
  });
}

function trace(page, vhost) {
  return page.act(put(path("vhosts", vhost.name), { tracing: !vhost.tracing }),
    `Tracing of ${vhost.name} is ${vhost.tracing ? "off" : "on: messages are copied to amq.rabbitmq.trace"}`);
}

function drop(page, vhost) {
  page.ask({
    title: `Delete the virtual host ${vhost.name}?`, does: "Delete virtual host",
    text: `Its connections are closed; all its exchanges, queues and ${plural(vhost.messages || 0, "message")} go.`,
    act: () => remove(path("vhosts", vhost.name)).then(() => page.enter()),
    done: `Virtual host ${vhost.name} is deleted`, go: "#/vhosts",
  });
}
