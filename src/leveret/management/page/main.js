// Where the page begins: the frame around the views, and which address shows which view.

import { forget, isKnown } from "./api.js";
import { h } from "./dom.js";
import { help, watchKeys } from "./keys.js";
import { login } from "./login.js";
import { Page } from "./page.js";
import { nextTheme, theme } from "./theme.js";
import { channelView, channelsView } from "./views/channels.js";
import { clusterView } from "./views/cluster.js";
import { connectionView, connectionsView } from "./views/connections.js";
import { consumersView } from "./views/consumers.js";
import { exchangeView, exchangesView } from "./views/exchanges.js";
import { limitsView } from "./views/limits.js";
import { nodeView } from "./views/node.js";
import { overviewView } from "./views/overview.js";
import { policiesView } from "./views/policies.js";
import { queueView } from "./views/queue.js";
import { queuesView } from "./views/queues.js";
import { userView, usersView } from "./views/users.js";
import { vhostView, vhostsView } from "./views/vhosts.js";

/** A view whose code comes when it is looked at. */
function later(title, make) {
  return (page) => {
    let view = null;
    return {
      title, end: () => view?.end(), render: (data) => view.render(data),
      load: async (signal) => (view ||= await make(page)).load(signal),
    };
  };
}

// [name in the address, view of the list, view of one, how many names one has]
const VIEWS = {
  "": [overviewView], nodes: [null, nodeView, 1],
  connections: [connectionsView, connectionView, 1], channels: [channelsView, channelView, 1],
  consumers: [consumersView], exchanges: [exchangesView, exchangeView, 2],
  queues: [queuesView, queueView, 2], users: [usersView, userView, 1],
  vhosts: [vhostsView, vhostView, 1], policies: [policiesView], limits: [limitsView],
  cluster: [clusterView],
  live: [later("Live", async (shown) => (await import("./views/live.js")).liveView(shown))],
};
const MENU = [
  ["", "Overview"], ["connections", "Connections"], ["channels", "Channels"],
  ["consumers", "Consumers"], ["exchanges", "Exchanges"], ["queues", "Queues"], ["live", "Live"],
];
const ADMIN_MENU = [
  ["users", "Users", "administrator"], ["vhosts", "Virtual hosts", "administrator"],
  ["policies", "Policies", "policymaker"], ["limits", "Limits", "administrator"],
  ["cluster", "Cluster", "policymaker"],
];
const WITH_VHOST = new Set(["exchanges", "queues", "consumers"]);
const INTERVALS = [[1, "1 s"], [5, "5 s"], [10, "10 s"], [30, "30 s"], [0, "Off"]];

function find(parts, page) {
  const [list, one, names] = VIEWS[parts[0] || ""] || [];
  if (one && parts.length === names + 1) return one(page, ...parts.slice(1));
  if (list && parts.length <= 1) return list(page);
  return {
    title: "Nothing here", up: "#/", load: async () => ({}),
    render: () => [h("p", "This address shows nothing. ",
      h("a", { href: "#/" }, "Go to the overview"), ".")],
  };
}

const page = new Page({ draw, find, lost: () => leave("The login is no longer valid.") });

function leave(fault = "") {
  forget();
  page.leave();
  document.title = "Leveret";
  page.draw([h("div", { key: "login", class: "outside" }, login({ enter, fault }))]);
}

async function enter() {
  await page.enter();
  page.show();
}

function draw() {
  if (page.view) page.draw([h("div", { key: "inside", class: "inside" }, header(), menu(), content())]);
}

function header() {
  const { about } = page;
  return h("header",
    h("a.brand", { href: "#/" }, "Leveret"),
    h("span.cluster", { title: "Cluster" }, about.cluster_name),
    h("span.muted.version", about.product_version || about.rabbitmq_version),
    h("span.space"),
    h("label.every", h("span", "Refresh "), h("select", {
      value: String(page.interval), "aria-label": "Refresh every",
      onchange: (event) => { page.interval = Number(event.target.value); },
    }, INTERVALS.map(([seconds, label]) => h("option", { value: seconds }, label)))),
    h("button", { class: "quiet theme", title: "Theme (t)", onclick: changeTheme },
      h("span", "Theme: "), theme()),
    h("button", { class: "quiet help", "aria-label": "Keyboard", title: "Keyboard (?)", onclick: help }, "?"),
    h("span.me", page.me.name),
    h("button", { class: "quiet", onclick: () => leave() }, "Log out"));
}

function changeTheme() {
  nextTheme();
  page.redraw();
}

function menu() {
  const here = location.hash.replace(/^#?\/?/, "").split(/[/?]/)[0];
  const vhost = page.query.vhost;
  const item = ([name, label]) => h("li", { key: name }, h("a", {
    href: `#/${name}${vhost && WITH_VHOST.has(name) ? `?vhost=${encodeURIComponent(vhost)}` : ""}`,
    "aria-current": (here === name || (here === "nodes" && name === "")) && "page",
  }, label));
  const admin = ADMIN_MENU.filter(([, , tag]) => page.has(tag));
  return h("nav.menu", { "aria-label": "Main" },
    h("ul", MENU.map(item)),
    admin.length > 0 && h("p.menu-title", "Admin"),
    admin.length > 0 && h("ul", admin.map(item)));
}

function content() {
  const { view, data, fault } = page;
  const isGone = fault?.status === 404;
  const isEmpty = data === undefined && !view.isEarly;
  return h("main", { id: "main", tabindex: "-1", key: location.hash.split("?")[0] },
    view.up && h("p.up", h("a", { href: view.up }, `‹ ${view.upTitle || "Back"}`)),
    h("h1", view.title, view.count && h("span.muted", ` ${view.count(data)}`)),
    fault && h("p.banner.bad", { role: "alert" }, isGone ? `${view.title} is not there (any more).` : fault.message),
    isGone || isEmpty ? !fault && h("p.empty", "Loading…") : view.render(data));
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address after # is the view's
  document.getElementById("main")?.focus();
});
watchKeys(page, { t: changeTheme });
if (isKnown()) enter().catch((fault) => leave(fault.message));
else leave();
