// The message browser: pages through a queue without taking anything, and gets messages if asked to.

import { get, post, query } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { count } from "../format.js";
import { choice, field, form } from "../forms.js";
import { section } from "../parts.js";
import { messageList } from "./messages.js";

const PAGE_SIZE = 50;
const TRUNCATE = 50000;
const STATES = { ready: "Ready", unacked: "Unacked" };
const ACK_MODES = [
  ["ack_requeue_true", "Put them back (nack, requeue)"], ["ack_requeue_false", "Take them out (ack)"],
  ["reject_requeue_true", "Put them back (reject, requeue)"],
  ["reject_requeue_false", "Reject them: dead-letter or drop"],
];
const TAKING = new Set(["ack_requeue_false", "reject_requeue_false"]);

/** What a queue's tab of messages loads and shows; `here` is the queue's path. */
export function browser(page, here) {
  let got = null;
  let gotChosen = 0;
  let mode = "";
  const setMode = (id) => { mode = id; page.redraw(); };
  const shownState = () => (page.query.state in STATES ? page.query.state : "ready");
  const offset = () => Math.max(0, Number(page.query.offset) || 0);

  async function load(signal) {
    try {
      return await get(`${here}/messages${query({
        offset: offset(), count: PAGE_SIZE, state: shownState(), truncate: TRUNCATE })}`, signal);
    } catch (fault) {
      // Without the right to read the queue the rest of the page is still worth showing.
      if (![400, 401, 403, 404, 405].includes(fault.status)) throw fault;
      return { fault: fault.message };
    }
  }

  function render(queue, found) {
    return [browse(queue, found), section("Get messages", getForm(queue), results())];
  }

  function browse(queue, found) {
    const total = shownState() === "ready" ? queue.messages_ready : queue.messages_unacknowledged;
    return section("Browse",
      h("p.intro", "Looking takes nothing: order, redelivered flags and consumers stay as they are."),
      h("div.toolbar",
        h("div.modes", { role: "group", "aria-label": "Which messages" }, Object.entries(STATES).map(
          ([id, label]) => h("button", {
            key: id, "aria-pressed": String(id === shownState()),
            onclick: () => page.setQuery({ state: id === "ready" ? "" : id, offset: "", message: "" }),
          }, `${label} ${count(id === "ready" ? queue.messages_ready : queue.messages_unacknowledged)}`))),
        steps(total, Array.isArray(found) ? found.length : 0)),
      shown(found));
  }

  function shown(found) {
    if (!found) return h("p.empty", "Loading…");
    if (found.fault) return h("p.fault", { role: "alert" }, found.fault);
    if (!found.length) {
      return h("p.empty", shownState() === "ready" ? "No message waits here."
        : "No consumer holds a message of this queue.");
    }
    const position = page.query.message;
    return messageList(found, {
      mode, setMode, chosen: position ? found.findIndex((m) => String(m.position) === position) : -1,
      choose: (index) => page.setQuery({ message: index < 0 ? "" : found[index].position }),
    });
  }

  function steps(total, here) {
    const move = (to) => page.setQuery({ offset: to > 0 ? to : "", message: "" });
    const first = offset();
    return h("div.pager",
      h("button", { disabled: first === 0, onclick: () => move(0) }, "First"),
      h("button", { disabled: first === 0, onclick: () => move(first - PAGE_SIZE) }, "‹ Previous"),
      h("span", here ? `${count(first + 1)}–${count(first + here)} of ${count(total)}` : "none"),
      h("button", { disabled: first + here >= total, onclick: () => move(first + PAGE_SIZE) }, "Next ›"));
  }

  function getForm(queue) {
    return form({
      submit: "Get messages", keeps: true,
      fields: [
        choice("Afterwards", "ackmode", ACK_MODES),
        choice("Payloads", "encoding", [["auto", "as text where they are text"], ["base64", "always base64"]]),
        field("Messages", "count", { type: "number", min: 1, max: 1000, value: 1 }),
      ],
      does: async (values) => {
        if (TAKING.has(values.ackmode) && (await confirm({
          title: `Take messages out of ${queue.name}?`, does: `Take up to ${values.count}`,
          text: "They leave the queue for good, or go to its dead letter exchange when rejected.",
        })) === null) return;
        got = await post(`${here}/get`, { ...values, count: Number(values.count), truncate: TRUNCATE });
        gotChosen = 0;
        await page.refresh();
      },
    });
  }

  function results() {
    if (got === null) return null;
    if (!got.length) return h("p.empty", "The queue gave nothing: it is empty.");
    return messageList(got, {
      mode, setMode, chosen: gotChosen, choose: (index) => { gotChosen = index; page.redraw(); },
    });
  }

  return { load, render };
}
