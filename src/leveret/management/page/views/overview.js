// How the broker is: totals, charts, alarms, nodes, listeners, churn, definitions.

import { download, getAll, post, segment } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { count, duration, octets, rate, rateOf } from "../format.js";
import { form, json } from "../forms.js";
import { ages, badge, bar, cell, charts, flowChart, lengthChart, link, numberCell, row, section, state, table,
  tiles, to } from "../parts.js";

const CHURN = {
  connection: "Connections", channel: "Channels", queue: "Queues",
};

export function overviewView(page) {
  return {
    title: "Overview",
    load: (signal) => getAll({
      overview: `overview${ages(page, "lengths", "msg_rates")}`,
      nodes: page.has("monitoring") ? ["nodes", []] : null,
    }, signal),
    render: ({ overview, nodes }) => [
      alarms(overview, nodes || []),
      totals(overview),
      charts(page, lengthChart(page, overview.queue_totals), flowChart(page, overview.message_stats)),
      nodes && section("Nodes", nodesTable(nodes)),
      section("Churn", churn(overview.churn_rates)),
      section("Listeners", listeners(overview.listeners)),
      page.has("administrator") && definitions(page),
    ],
  };
}

function alarms(overview, nodes) {
  const raised = nodes.flatMap((node) => [
    node.mem_alarm && `${node.name} is short of memory`,
    node.disk_free_alarm && `${node.name} is short of disk space`,
    node.running === false && `${node.name} is down`,
  ]).filter(Boolean);
  return [
    raised.length > 0 && h("p.banner.bad", { role: "alert" },
      `${raised.join("; ")}. Publishers are held until that ends.`),
    overview.disable_stats && h("p.banner", "Statistics are switched off in the configuration."),
  ];
}

function totals({ object_totals: objects = {}, queue_totals: queues = {}, message_stats: stats }) {
  const pairs = ["connections", "channels", "exchanges", "queues", "consumers"].map((name) =>
    [name[0].toUpperCase() + name.slice(1), objects[name], to(name)]);
  return tiles([
    ...pairs, ["Ready", queues.messages_ready], ["Unacked", queues.messages_unacknowledged],
    ["Published", rate(rateOf(stats, "publish"))],
    ["Delivered", rate(rateOf(stats, "deliver_get"))],
  ]);
}

function nodesTable(nodes) {
  const heads = ["Name", "State", "Memory", "Disk free", "File descriptors", "Sockets", "#Uptime", "#Cores"];
  return table("Nodes", heads, nodes.map((node) => row(node.name,
    cell(link(to("nodes", node.name), node.name)),
    cell(state(node.running === false ? "down" : "running"),
      node.mem_alarm && badge("memory", "bad"), node.disk_free_alarm && badge("disk", "bad")),
    cell(bar(node.mem_used, node.mem_limit, `${octets(node.mem_used)} of ${octets(node.mem_limit)}`, node.mem_alarm)),
    cell(bar(node.disk_free_limit, node.disk_free,
      `${octets(node.disk_free)}, at least ${octets(node.disk_free_limit)}`, node.disk_free_alarm)),
    cell(bar(node.fd_used, node.fd_total, `${count(node.fd_used)} of ${count(node.fd_total)}`)),
    cell(bar(node.sockets_used, node.sockets_total, `${count(node.sockets_used)} of ${count(node.sockets_total)}`)),
    numberCell(duration(node.uptime)), numberCell(count(node.processors)))), "No node tells of itself.");
}

function churn(rates = {}) {
  const heads = ["What", "#Opened or declared", "#per second", "#Closed or deleted", "#per second"];
  return table("Churn", heads, Object.entries(CHURN).map(([name, label]) => {
    const [made, gone] = name === "queue" ? ["queue_declared", "queue_deleted"] : [`${name}_created`, `${name}_closed`];
    return row(name, cell(label), numberCell(count(rates[made])), numberCell(rate(rateOf(rates, made))),
      numberCell(count(rates[gone])), numberCell(rate(rateOf(rates, gone))));
  }), "");
}

function listeners(list = []) {
  return table("Listeners", ["Protocol", "Address", "#Port", "TLS", "Node"], list.map((listener) =>
    row(`${listener.protocol}${listener.ip_address}${listener.port}${listener.node}`,
      cell(listener.protocol), cell(listener.ip_address), numberCell(String(listener.port)),
      cell(listener.protocol.endsWith("s") || listener.protocol.includes("/ssl") || listener.tls ? "yes" : "no"),
      cell(listener.node))), "Nobody listens.");
}

function definitions(page) {
  const choose = [["", "All virtual hosts"], ...page.vhosts.map((name) => [name, name])];
  const where = (vhost) => `definitions${vhost ? `/${segment(vhost)}` : ""}`;
  const select = (name) => h("label.field", h("span", "Virtual host"),
    h("select", { name }, choose.map(([value, label]) => h("option", { value }, label))));
  return section("Definitions",
    h("p.muted", "Users, virtual hosts, permissions, policies, exchanges, queues and bindings as one "
      + "JSON file, RabbitMQ's own format. Messages are not in it."),
    h("div.columns",
      form({
        submit: "Download definitions", keeps: true, fields: [select("vhost")],
        does: ({ vhost }) => download(where(vhost),
          `leveret_${(vhost || page.about.cluster_name || "all").replace(/[^\w.-]+/g, "_")}.json`),
      }),
      form({
        submit: "Import definitions…", fields: [select("vhost"),
          h("label.field", h("span", "File"),
            h("input", { type: "file", name: "file", accept: ".json,application/json", required: true }))],
        does: ({ vhost, file }) => importFile(page, where(vhost), file),
      })));
}

async function importFile(page, where, file) {
  const content = json(await file.text(), file.name);
  const agreed = await confirm({
    title: `Import ${file.name}?`, does: "Import", isDangerous: false,
    text: "What is there already keeps what the file does not mention; users, permissions and policies of the same name are replaced.",
  });
  if (agreed === null) return;
  await post(where, content);
  await page.enter();
  await page.done(`${file.name} was imported`);
}
