// One node: what it has, what it uses, and where its memory goes.

import { get, getOr, segment } from "../api.js";
import { h } from "../dom.js";
import { count, duration, octets, percent, plain, rate, rateOf } from "../format.js";
import { bar, cell, facts, numberCell, row, section, state, table } from "../parts.js";

export function nodeView(page, name) {
  return {
    title: `Node ${name}`, up: "#/", upTitle: "Overview",
    load: async (signal) => {
      const [node, memory] = await Promise.all([
        get(`nodes/${segment(name)}`, signal), getOr(null, `nodes/${segment(name)}/memory`, signal)]);
      return { node, memory: memory && memory.memory };
    },
    render: ({ node, memory }) => [
      h("h1", {}, `Node ${name}`),
      facts([
        ["State", state(node.running === false ? "down" : "running")],
        ["Uptime", duration(node.uptime)], ["Version", page.about.product_version || page.about.rabbitmq_version],
        ["Type", node.type], ["Cores", count(node.processors)], ["Process id", node.os_pid],
        ["Rates", node.rates_mode],
        ["Memory", bar(node.mem_used, node.mem_limit,
          `${octets(node.mem_used)} of ${octets(node.mem_limit)}`, node.mem_alarm)],
        ["Disk free", bar(node.disk_free_limit, node.disk_free,
          `${octets(node.disk_free)}, at least ${octets(node.disk_free_limit)}`, node.disk_free_alarm)],
        ["File descriptors", bar(node.fd_used, node.fd_total, `${count(node.fd_used)} of ${count(node.fd_total)}`)],
        ["Sockets", bar(node.sockets_used, node.sockets_total,
          `${count(node.sockets_used)} of ${count(node.sockets_total)}`)],
      ]),
      memory && typeof memory === "object" && section("Memory", breakdown(memory)),
      section("Disk", operations(node)),
      section("Files", facts([
        ["Data", node.db_dir], ["Configuration", (node.config_files || []).join(", ")],
        ["Logs", (node.log_files || []).join(", ")]])),
      section("Plugins", h("p", {}, plain((node.enabled_plugins || []).join(", ")))),
    ],
  };
}

function breakdown(memory) {
  const total = memory.total?.rss || memory.total?.allocated || memory.total;
  const parts = Object.entries(memory).filter(([name, size]) => typeof size === "number" && name !== "total" && size > 0);
  parts.sort(([, one], [, other]) => other - one);
  return table("Memory", ["Use", "#Size", "Share"], parts.map(([name, size]) => row(name,
    cell(name.replaceAll("_", " ")), numberCell(octets(size)),
    cell(bar(size, total, `${percent(size, total).toFixed(1)} %`)))), "The node does not say.");
}

function operations(node) {
  const kinds = ["io_read", "io_write", "io_sync", "io_seek", "queue_index_read", "queue_index_write",
    "msg_store_read", "msg_store_write"].filter((kind) => `${kind}_count` in node);
  return table("Disk", ["Operation", "#Count", "#per second", "#Octets", "#Mean time"], kinds.map((kind) => row(kind,
    cell(kind.replace("io_", "").replaceAll("_", " ")), numberCell(count(node[`${kind}_count`])),
    numberCell(rate(rateOf(node, `${kind}_count`))), numberCell(octets(node[`${kind}_bytes`])),
    numberCell(node[`${kind}_avg_time`] === undefined ? "–" : `${node[`${kind}_avg_time`].toFixed(2)} ms`))),
  "The node does not count what it does on the disk.");
}
