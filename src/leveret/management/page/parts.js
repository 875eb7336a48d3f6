// The pieces that views are made of: sections, tables of facts, badges, links, bars, charts.

import { query, segment } from "./api.js";
import { growth, lengths } from "./chart.js";
import { h } from "./dom.js";
import { count, exchangeName, percent, plain, rate, rateOf } from "./format.js";

export const RANGES = {
  minute: { label: "last minute", age: 60, step: 5 },
  ten: { label: "last ten minutes", age: 600, step: 5 },
  hour: { label: "last hour", age: 3600, step: 60 },
  eight: { label: "last eight hours", age: 28800, step: 1800 },
  day: { label: "last day", age: 86400, step: 1800 },
};

export const FLOWS = {
  publish: "Publish", confirm: "Publisher confirm", deliver: "Deliver (manual ack)",
  deliver_no_ack: "Deliver (auto ack)", redeliver: "Redelivered", ack: "Consumer ack",
  get: "Get (manual ack)", get_no_ack: "Get (auto ack)", get_empty: "Get (empty)",
  return_unroutable: "Unroutable (return)", drop_unroutable: "Unroutable (drop)",
};
const QUIET = new Set(["get", "get_no_ack", "get_empty", "return_unroutable", "drop_unroutable"]);

export const rangeOf = ({ query }) => RANGES[query.range] || RANGES.minute;

/** What to ask for the samples of charts: "?lengths_age=60&lengths_incr=5". */
export function ages(page, ...kinds) {
  const { age, step } = rangeOf(page);
  return query(Object.fromEntries(kinds.flatMap((kind) => [[`${kind}_age`, age], [`${kind}_incr`, step]])));
}

export function section(title, ...kids) {
  return h("section", h("h2", title), kids);
}

export function facts(pairs) {
  const shown = pairs.filter((pair) => pair && pair[1] !== undefined);
  return h("dl.facts", shown.map(([name, value]) =>
    h("div", { key: name }, h("dt", name), h("dd", value === null || value === "" ? "–" : value))));
}

/** What arguments, headers or client properties say. */
export function tableOf(values, empty = "None") {
  const entries = Object.entries(values || {});
  if (!entries.length) return h("span.muted", empty);
  return h("dl.pairs", entries.map(([name, value]) =>
    h("div", { key: name }, h("dt", name), h("dd", pairValue(value)))));
}

function pairValue(value) {
  const isTable = value && typeof value === "object" && !Array.isArray(value);
  return isTable ? tableOf(value) : plain(value);
}

export function table(label, heads, rows, empty) {
  if (!rows.length) return h("p.empty", empty);
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": label },
    h("table", h("thead", h("tr", heads.map(head))), h("tbody", rows)));
}

function head(label) {
  const isNumber = label.startsWith("#");
  return h("th", { scope: "col", class: isNumber && "number" }, isNumber ? label.slice(1) : label);
}

export const row = (key, ...cells) => h("tr", { key: key }, cells);
export const cell = (...kids) => h("td", kids);
export const codeCell = (text, empty = "–") => cell(h("code", text || empty));
export const numberCell = (...kids) => h("td.number", kids);
export const link = (href, ...kids) => h("a", { href }, kids);

export const to = (...names) => `#/${names.map(segment).join("/")}`;
export const queueLink = (vhost, name) => link(to("queues", vhost, name), name);
export const exchangeLink = (vhost, name) =>
  link(to("exchanges", vhost, name || "amq.default"), exchangeName(name));
export const connectionLink = (name) => link(to("connections", name), name);
export const vhostLink = (name) => link(to("vhosts", name), name);
export const userLink = (name) => link(to("users", name), name);
export const channelLink = (name) => link(to("channels", name), name);

export const button = (text, onclick, props) => h("button", { onclick, ...props }, text);
/** A deed in a row of a table; `label` says all of it, for who does not see the row. */
export const quiet = (text, label, onclick) => button(text, onclick, { class: "quiet", "aria-label": label });
export const danger = (text, onclick, props) => button(text, onclick, { class: "danger", ...props });

export const badge = (text, kind = "", title = undefined) =>
  h("span", { class: `badge ${kind}`, title }, text);

const GOOD = new Set(["running", "idle", "flow", "active", "up"]);
const BAD = new Set(["down", "crashed", "stopped", "minority", "blocked", "terminated"]);

export function state(name) {
  const text = name || "–";
  const kind = GOOD.has(text) ? "good" : BAD.has(text) ? "bad" : "warn";
  return h("span", { class: `state ${name ? kind : ""}` }, text);
}

const FLAGS = {
  durable: ["D", "durable: is still there after a restart"], auto_delete: ["AD", "auto-delete: goes with its last user"],
  exclusive: ["Excl", "exclusive to the connection that declared it"],
  internal: ["I", "internal: clients cannot publish to it"],
};
const ARGUMENTS = {
  "x-message-ttl": "TTL", "x-expires": "Exp", "x-max-length": "Lim", "x-max-length-bytes": "Lim B", "x-overflow": "Ovfl",
  "x-dead-letter-exchange": "DLX", "x-dead-letter-routing-key": "DLK", "x-max-priority": "Pri",
  "x-single-active-consumer": "SAC", "alternate-exchange": "AE",
};

/** What sets a queue or an exchange apart, as short labels that explain themselves when pointed at. */
export function features({ arguments: given, policy, operator_policy: operators, ...item }) {
  return h("span.badges",
    Object.entries(FLAGS).map(([name, [label, title]]) => item[name] && badge(label, "", title)),
    Object.entries(given || {}).map(([name, value]) =>
      ARGUMENTS[name] && badge(ARGUMENTS[name], "", `${name}: ${plain(value)}`)),
    policy && badge(policy, "accent", `policy ${policy}`),
    operators && badge("Op", "warn", `operator policy ${operators}`));
}

export function bar(part, whole, label, isAlarm = false) {
  if (typeof part !== "number" || typeof whole !== "number") return "–";
  const share = percent(part, whole);
  const kind = isAlarm || share > 90 ? "bad" : share > 70 ? "warn" : "";
  return h("div.meter",
    h("meter", { class: kind, min: 0, max: 100, value: share, "aria-label": label }), h("span", label));
}

export function tiles(pairs) {
  return h("ul.tiles", pairs.map(([label, value, href]) =>
    h("li", { key: label }, h(href ? "a" : "div", { href: href || undefined },
      h("b", typeof value === "number" ? count(value) : value ?? "–"), h("span", label)))));
}

/** Charts side by side, and the choice of the time that they show. */
export function charts(page, ...shown) {
  return [h("div.charts", shown), rangeChoice(page)];
}

function rangeChoice(page) {
  return h("label.range", "Charts show the ",
    h("select", {
      value: page.query.range || "minute", "aria-label": "Time that charts show",
      onchange: (event) => page.setQuery({ range: event.target.value === "minute" ? "" : event.target.value }),
    }, Object.entries(RANGES).map(([id, { label }]) => h("option", { value: id }, label))));
}

export function lengthChart(page, stats) {
  const names = { messages_ready: "Ready", messages_unacknowledged: "Unacked", messages: "Total" };
  const series = Object.entries(names).map(([id, name]) => (
    { name, points: lengths(stats, id), now: stats?.[id] }));
  return h("live-chart", { key: "lengths", ".data": {
    label: "Queued messages", unit: "count", range: rangeOf(page).age, series,
    empty: "The first samples come within seconds." } });
}

export function flowChart(page, stats, flows = FLOWS) {
  const moved = Object.entries(flows).filter(([id]) => !QUIET.has(id) || stats?.[id]);
  const series = moved.map(([id, name]) => ({ name, points: growth(stats, id), now: rateOf(stats, id) ?? 0 }));
  return h("live-chart", { key: "flows", ".data": {
    label: "Message rates", unit: "rate", range: rangeOf(page).age, series,
    empty: stats && Object.keys(stats).length ? "The first samples come within seconds."
      : "No message has moved yet." } });
}

/** Statistics of many flows as a table, e.g. what a channel published to each exchange. */
export function flowRows(items, name, flows, label, empty) {
  const heads = [name.title, ...flows.map((id) => `#${FLOWS[id] || id}`)];
  const rows = (items || []).map((item) => row(name.key(item), cell(name.of(item)),
    flows.map((id) => numberCell(rate(rateOf(item.stats, id))))));
  return table(label, heads, rows, empty);
}

/** Who consumes or publishes: a channel, or a connection of a protocol without channels. */
export const reader = (of) => (of?.name ? channelLink(of.name)
  : of?.connection_name ? connectionLink(of.connection_name) : "–");
export const readerName = (of) => of?.name || of?.connection_name;

/** Consumers of a queue, each with its channel, or of a channel, each with its queue. */
export function consumerTable(list = [], ends, of, empty) {
  const heads = ["Tag", ends, "Ack", "Exclusive", "#Prefetch", "Active", "Arguments"];
  return table("Consumers", heads, list.map((c) => row(`${readerName(c.channel_details)} ${c.consumer_tag} ${c.queue.name}`,
    cell(c.consumer_tag), cell(of(c)), cell(c.ack_required ? "manual" : "automatic"), cell(c.exclusive ? "yes" : "no"),
    numberCell(count(c.prefetch_count)), cell(c.active === false ? "waits" : "yes"), cell(plain(c.arguments)))), empty);
}

/** Columns of lists: a text, an amount, the rate of a flow of messages. */
export const words = (id, label, props) => ({ id, label, sort: id, cell: (item) => plain(item[id]), ...props });
export const amount = (id, label, write = count, off = false) =>
  ({ id, label, off, number: true, sort: id, cell: (item) => write(item[id]) });
export const flow = (id, label, off = false) => ({
  id, label, off, number: true, sort: `message_stats.${id}_details.rate`,
  cell: (item) => rate(rateOf(item.message_stats, id)),
});
export const STATE = { id: "state", label: "State", sort: "state", cell: (item) => state(item.state) };
