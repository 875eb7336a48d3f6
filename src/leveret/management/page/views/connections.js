// Connections, and one of them.

import { getAll, path, remove, segment } from "../api.js";
import { growth } from "../chart.js";
import { h } from "../dom.js";
import { ago, count, duration, moment, octetRate, octets, rate, rateOf } from "../format.js";
import { listing } from "../listing.js";
import { ages, amount, badge, cell, channelLink, charts, connectionLink, danger, facts, numberCell, rangeOf,
  row, section, state, STATE, table, tableOf, userLink, vhostLink, words } from "../parts.js";

const lock = (item) => (item.ssl ? badge(item.ssl_protocol || "TLS", "good", item.ssl_cipher) : "–");

export function connectionsView(page) {
  return listing(page, {
    title: "Connections", key: "connections", sort: "name", vhosts: true,
    path: (vhost) => (vhost ? path("vhosts", vhost, "connections") : "connections"),
    rowKey: (item) => item.name,
    empty: () => "Nobody is connected. Point a client at one of the listeners of the overview.",
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (c) => [connectionLink(c.name),
        ownName(c) && h("small", ownName(c))] },
      words("vhost", "Virtual host", { off: page.vhosts.length < 2 }), words("user", "User"),
      STATE,
      { id: "tls", label: "TLS", sort: "ssl", cell: lock },
      { id: "protocol", label: "Protocol", sort: "protocol", cell: (c) => c.protocol.replaceAll("-", "\u2011") }, amount("channels", "Channels"),
      { id: "in", label: "From client", sort: "recv_oct_details.rate", number: true,
        cell: (c) => octetRate(rateOf(c, "recv_oct")) },
      { id: "out", label: "To client", sort: "send_oct_details.rate", number: true,
        cell: (c) => octetRate(rateOf(c, "send_oct")) },
      { id: "client", label: "Client", off: true, cell: (c) => client(c) },
      amount("timeout", "Heartbeat", (seconds) => (seconds ? `${seconds} s` : "–"), true),
      amount("connected_at", "Connected", moment, true), words("node", "Node", { off: true }),
    ],
  });
}

// Devices have an id instead.
const ownName = (c) => c.user_provided_name || c.client_properties?.client_id;
const client = ({ client_properties: said = {} }) =>
  [said.product, said.version].filter(Boolean).join(" ") || "–";

export function connectionView(page, name) {
  return {
    title: `Connection ${name}`, up: "#/connections", upTitle: "Connections",
    load: (signal) => getAll({
      connection: `connections/${segment(name)}${ages(page, "data_rates")}`,
      channels: `connections/${segment(name)}/channels`,
    }, signal),
    render: ({ connection, channels }) => [
      details(connection),
      charts(page, dataChart(page, connection)),
      section("Channels", channelTable(channels)),
      section("What the client says of itself", tableOf(connection.client_properties)),
      connection.ssl && section("TLS", tls(connection)),
      section("Close", h("p.muted", "The client is told the reason; most connect again by themselves."),
        danger("Close this connection…", () => close(page, name))),
    ],
  };
}

function details(c) {
  return facts([
    ["User", userLink(c.user)], ["Virtual host", vhostLink(c.vhost)],
    ["Name given by the client", ownName(c)], ["State", state(c.state)],
    ["Protocol", c.protocol], ["Client", client(c)], ["Connected", `${moment(c.connected_at)}, ${ago(c.connected_at)}`],
    ["Login by", c.auth_mechanism], ["Heartbeat", c.timeout ? duration(c.timeout * 1000) : "none"],
    c.frame_max > 0 && ["Largest frame", octets(c.frame_max)],
    c.channel_max > 0 && ["Channels", `${count(c.channels)}, at most ${count(c.channel_max)}`],
    ["Received", octets(c.recv_oct)], ["Sent", octets(c.send_oct)], ["Node", c.node],
  ]);
}

function dataChart(page, c) {
  const names = { recv_oct: "From client", send_oct: "To client" };
  return h("live-chart", { ".data": {
    label: "Data rates", unit: "octetRate", range: rangeOf(page).age, empty: "The first samples come within seconds.",
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

function close(page, name) {
  page.ask({
    title: `Close the connection ${name}?`, does: "Close connection", field: "Reason the client is told",
    text: "Its channels and consumers end; what they had not acknowledged goes back to the queues.",
    act: (reason) => remove(`connections/${segment(name)}`, reason ? { "X-Reason": reason } : {}),
    done: `${name} is closed`, go: "#/connections",
  });
}
