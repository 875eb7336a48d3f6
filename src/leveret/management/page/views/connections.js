// Connections, and one of them.

import { get, path, query, remove, segment } from "../api.js";
import { growth } from "../chart.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { ago, count, duration, moment, octetRate, octets, rateOf } from "../format.js";
import { listing } from "../listing.js";
import { ages, badge, cell, channelLink, connectionLink, facts, link, numberCell, rangeChoice, rangeOf,
  row, section, state, table, tableOf, to } from "../parts.js";
import { rate } from "../format.js";

const lock = (item) => (item.ssl ? badge(item.ssl_protocol || "TLS", "good", item.ssl_cipher) : "–");

export function connectionsView(page) {
  return listing(page, {
    title: "Connections", key: "connections", sort: "name", vhosts: true,
    path: (vhost) => (vhost ? path("vhosts", vhost, "connections") : "connections"),
    rowKey: (item) => item.name,
    empty: () => "Nobody is connected. Point a client at one of the listeners of the overview.",
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (c) => [connectionLink(c.name),
        c.user_provided_name && h("small", {}, c.user_provided_name)] },
      { id: "vhost", label: "Virtual host", sort: "vhost", cell: (c) => c.vhost },
      { id: "user", label: "User", sort: "user", cell: (c) => c.user },
      { id: "state", label: "State", sort: "state", cell: (c) => state(c.state) },
      { id: "tls", label: "TLS", sort: "ssl", cell: lock },
      { id: "protocol", label: "Protocol", sort: "protocol", cell: (c) => c.protocol },
      { id: "channels", label: "Channels", sort: "channels", number: true, cell: (c) => count(c.channels) },
      { id: "in", label: "From client", sort: "recv_oct_details.rate", number: true,
        cell: (c) => octetRate(rateOf(c, "recv_oct")) },
      { id: "out", label: "To client", sort: "send_oct_details.rate", number: true,
        cell: (c) => octetRate(rateOf(c, "send_oct")) },
      { id: "client", label: "Client", off: true, cell: (c) => client(c) },
      { id: "heartbeat", label: "Heartbeat", sort: "timeout", number: true, off: true,
        cell: (c) => (c.timeout ? `${c.timeout} s` : "–") },
      { id: "connected", label: "Connected", sort: "connected_at", off: true, cell: (c) => moment(c.connected_at) },
      { id: "node", label: "Node", sort: "node", off: true, cell: (c) => c.node },
    ],
  });
}

const client = ({ client_properties: said = {} }) =>
  [said.product, said.version].filter(Boolean).join(" ") || "–";

export function connectionView(page, name) {
  return {
    title: `Connection ${name}`, up: "#/connections", upTitle: "Connections",
    load: async (signal) => {
      const asked = query(ages(rangeOf(page.query), "data_rates"));
      const [connection, channels] = await Promise.all([
        get(`connections/${segment(name)}${asked}`, signal),
        get(`connections/${segment(name)}/channels`, signal)]);
      return { connection, channels };
    },
    render: ({ connection, channels }) => [
      h("h1", {}, `Connection ${name}`),
      details(connection),
      h("div", { class: "charts" }, dataChart(connection, rangeOf(page.query))), rangeChoice(page),
      section("Channels", channelTable(channels)),
      section("What the client says of itself", tableOf(connection.client_properties)),
      connection.ssl && section("TLS", tls(connection)),
      section("Close", h("p", { class: "muted" }, "The client is told the reason; most connect again by themselves."),
        h("button", { type: "button", class: "danger", onclick: () => close(page, name) }, "Close this connection…")),
    ],
  };
}

function details(c) {
  return facts([
    ["User", link(to("users", c.user), c.user)], ["Virtual host", link(to("vhosts", c.vhost), c.vhost)],
    ["Name given by the client", c.user_provided_name], ["State", state(c.state)],
    ["Protocol", c.protocol], ["Client", client(c)], ["Connected", `${moment(c.connected_at)}, ${ago(c.connected_at)}`],
    ["Login by", c.auth_mechanism], ["Heartbeat", c.timeout ? duration(c.timeout * 1000) : "none"],
    ["Largest frame", octets(c.frame_max)], ["Channels", `${count(c.channels)}, at most ${count(c.channel_max)}`],
    ["Received", octets(c.recv_oct)], ["Sent", octets(c.send_oct)], ["Node", c.node],
  ]);
}

function dataChart(c, range) {
  const names = { recv_oct: "From client", send_oct: "To client" };
  return h("live-chart", { ".data": {
    label: "Data rates", unit: "octetRate", range: range.age, empty: "The first samples come within seconds.",
    series: Object.entries(names).map(([id, name]) => ({ name, points: growth(c, id), now: rateOf(c, id) })),
  } });
}

function channelTable(channels) {
  const heads = ["Channel", "State", "#Consumers", "#Prefetch", "#Unacked", "#Publish", "#Deliver / get"];
  return table("Channels", heads, channels.map((c) => row(c.name, cell(channelLink(c.name)),
    cell(state(c.state)), numberCell(count(c.consumer_count)), numberCell(count(c.prefetch_count)),
    numberCell(count(c.messages_unacknowledged)), numberCell(rate(rateOf(c.message_stats, "publish"))),
    numberCell(rate(rateOf(c.message_stats, "deliver_get"))))), "The connection has no channel.");
}

function tls(c) {
  return facts([
    ["Protocol", c.ssl_protocol], ["Key exchange", c.ssl_key_exchange], ["Cipher", c.ssl_cipher],
    ["Hash", c.ssl_hash], ["Certificate of", c.peer_cert_subject], ["Issued by", c.peer_cert_issuer],
    ["Valid", c.peer_cert_validity],
  ]);
}

async function close(page, name) {
  const reason = await confirm({
    title: `Close the connection ${name}?`, does: "Close connection", field: "Reason the client is told",
    text: "Its channels and consumers end; what they had not acknowledged goes back to the queues.",
  });
  if (reason === null) return;
  const headers = reason ? { "X-Reason": reason } : {};
  if (await page.act(remove(`connections/${segment(name)}`, headers))) page.go("#/connections");
}
