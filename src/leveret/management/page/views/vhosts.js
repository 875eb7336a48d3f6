// Virtual hosts, and one of them with rights and limits.

import { download, get, getOr, path, put, query, remove, segment } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { count, octetRate, plural, rate, rateOf } from "../format.js";
import { choice, field, form, panel } from "../forms.js";
import { listing } from "../listing.js";
import { ages, facts, flowChart, lengthChart, link, rangeChoice, rangeOf, section, state, to } from "../parts.js";
import { permissionSection, topicSection } from "./users.js";

const stateOf = (vhost) => Object.values(vhost.cluster_state || {})[0] || "running";
const TYPES = [["", "the node's default"], "classic", "quorum"];

export function vhostsView(page) {
  return listing(page, {
    title: "Virtual hosts", key: "vhosts", sort: "name", path: () => "vhosts", rowKey: (vhost) => vhost.name,
    empty: () => "There is no virtual host.",
    below: add,
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (v) => link(to("vhosts", v.name), v.name) },
      { id: "description", label: "Description", sort: "description", cell: (v) => v.description || "–" },
      { id: "state", label: "State", cell: (v) => state(stateOf(v)) },
      { id: "tracing", label: "Tracing", sort: "tracing", cell: (v) => (v.tracing ? "on" : "off") },
      { id: "type", label: "Default queue type", off: true, cell: (v) => v.default_queue_type || "–" },
      { id: "tags", label: "Tags", off: true, cell: (v) => (v.tags || []).join(", ") || "–" },
      { id: "ready", label: "Ready", sort: "messages_ready", number: true, cell: (v) => count(v.messages_ready) },
      { id: "unacked", label: "Unacked", sort: "messages_unacknowledged", number: true,
        cell: (v) => count(v.messages_unacknowledged) },
      { id: "in", label: "From clients", number: true, off: true, cell: (v) => octetRate(rateOf(v, "recv_oct")) },
      { id: "out", label: "To clients", number: true, off: true, cell: (v) => octetRate(rateOf(v, "send_oct")) },
      { id: "publish", label: "Publish", number: true, cell: (v) => rate(rateOf(v.message_stats, "publish")) },
      { id: "deliver", label: "Deliver / get", number: true, cell: (v) => rate(rateOf(v.message_stats, "deliver_get")) },
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
    key: "add-vhost", label: "Add a virtual host", submit: "Add virtual host",
    fields: [field("Name", "name", { required: true }), ...metadata()],
    does: async (values) => {
      await put(path("vhosts", values.name), bodyOf(values));
      await page.enter();
      await page.act(Promise.resolve(), `Virtual host ${values.name} is added`);
    },
  }));
}

export function vhostView(page, name) {
  const here = path("vhosts", name);
  return {
    title: `Virtual host ${name}`, up: "#/vhosts", upTitle: "Virtual hosts",
    load: async (signal) => {
      const [vhost, permissions, topics, limits, users] = await Promise.all([
        get(here + query(ages(rangeOf(page.query), "lengths", "msg_rates")), signal),
        getOr([], `${here}/permissions`, signal), getOr([], `${here}/topic-permissions`, signal),
        getOr([], `vhost-limits/${segment(name)}`, signal), getOr(null, "users", signal)]);
      return { vhost, permissions, topics, limits, users: users && users.map((user) => user.name) };
    },
    render: (data) => view(page, name, data),
  };
}

function view(page, name, { vhost, permissions, topics, limits, users }) {
  const limited = Object.entries(limits[0]?.value || {}).map(([key, value]) => `${key} ${count(value)}`);
  return [
    h("h1", {}, `Virtual host ${name}`),
    facts([
      ["Description", vhost.description], ["Tags", (vhost.tags || []).join(", ")],
      ["State", state(stateOf(vhost))], ["Default queue type", vhost.default_queue_type],
      ["Limits", limited.join(", ") || "none"],
      ["Tracing", [vhost.tracing ? "on " : "off ", page.has("administrator") && h("button", {
        type: "button", class: "quiet", onclick: () => trace(page, vhost) }, vhost.tracing ? "Switch off" : "Switch on")]],
      ["Queues", link(`#/queues${query({ vhost: name })}`, "Show its queues")],
    ]),
    h("div", { class: "charts" }, lengthChart(vhost, rangeOf(page.query)),
      flowChart(vhost.message_stats, rangeOf(page.query))), rangeChoice(page),
    page.has("administrator") && [
      permissionSection(page, permissions, "user", { vhost: name }, users),
      topicSection(page, topics, "user", { vhost: name }, users),
      section("Change", change(page, vhost)),
      section("Definitions", h("button", { type: "button", onclick: () => page.act(
        download(`definitions/${segment(name)}`, `leveret_${name.replace(/[^\w.-]+/g, "_")}.json`)) }, "Download its definitions")),
      section("Delete", h("button", { type: "button", class: "danger", onclick: () => drop(page, vhost) },
        "Delete this virtual host…")),
    ],
  ];
}

function change(page, vhost) {
  return form({
    key: "change", label: "Change this virtual host", submit: "Change virtual host", keeps: true, fields: metadata(vhost),
    does: async (values) => {
      await put(path("vhosts", vhost.name), { ...bodyOf(values), tracing: vhost.tracing });
      await page.act(Promise.resolve(), `Virtual host ${vhost.name} is changed`);
    },
  });
}

function trace(page, vhost) {
  return page.act(put(path("vhosts", vhost.name), { tracing: !vhost.tracing }),
    `Tracing of ${vhost.name} is ${vhost.tracing ? "off" : "on: messages are copied to amq.rabbitmq.trace"}`);
}

async function drop(page, vhost) {
  const agreed = await confirm({
    title: `Delete the virtual host ${vhost.name}?`, does: "Delete virtual host",
    text: `Its connections are closed; all its exchanges, queues and ${plural(vhost.messages || 0, "message")} go.`,
  });
  if (agreed === null) return;
  if (await page.act(remove(path("vhosts", vhost.name)), `Virtual host ${vhost.name} is deleted`)) {
    await page.enter();
    page.go("#/vhosts");
  }
}
