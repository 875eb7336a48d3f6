// One node: what it has, what it uses, and where its memory goes.

import { getAll, segment } from "../api.js";
import { h } from "../dom.js";
import { count, duration, octets, percent, plain } from "../format.js";
import { bar, cell, facts, numberCell, row, section, state, table } from "../parts.js";

export function nodeView(page, name) {
  return {
    title: `Node ${name}`, up: "#/", upTitle: "Overview",
    load: (signal) => getAll({
      node: `nodes/${segment(name)}`, memory: [`nodes/${segment(name)}/memory`, {}] }, signal),
    render: ({ node, memory: { memory } }) => [
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
      section("Files", facts([
        ["Data", node.db_dir], ["Configuration", (node.config_files || []).join(", ")],
        ["Logs", (node.log_files || []).join(", ")]])),
      section("Plugins", h("p", plain((node.enabled_plugins || []).join(", ")))),
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
