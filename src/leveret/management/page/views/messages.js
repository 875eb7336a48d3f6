// Messages, looked at: a list of them, and one with its properties, headers and body.

import { h } from "../dom.js";
import { ago, count, exchangeName, moment, octets, plain } from "../format.js";
import { badge, channelLink, connectionLink, facts, tableOf } from "../parts.js";

const HEX_ROW = 16;
const MOST_SHOWN = 20000;

/** The octets of a payload as the API gives it. */
export function octetsOf(message) {
  if (message.payload_encoding !== "base64") return new TextEncoder().encode(message.payload);
  return Uint8Array.from(atob(message.payload), (letter) => letter.charCodeAt(0));
}

const textOf = (message) => (message.payload_encoding === "base64"
  ? new TextDecoder().decode(octetsOf(message)) : message.payload);

/** Lines of an octet dump: offset, sixteen octets, and what of them can be read. */
export function hex(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += HEX_ROW) {
    const part = [...bytes.slice(at, at + HEX_ROW)];
    const digits = part.map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
    const letters = part.map((octet) => (octet >= 32 && octet < 127 ? String.fromCharCode(octet) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${digits.padEnd(HEX_ROW * 3)} ${letters}`);
  }
  return lines.join("\n");
}

function pretty(message) {
  try {
    return JSON.stringify(JSON.parse(textOf(message)), null, 2);
  } catch {
    return null;
  }
}

/** The way to read a body that suits it best. */
function bestMode(message) {
  if (pretty(message) !== null && /^\s*[[{]/.test(textOf(message))) return "json";
  return message.payload_encoding === "base64" ? "hex" : "text";
}

/** What a list shows of a body: its first words, on one line. */
function glimpse(message) {
  if (!message.payload_bytes) return "(empty)";
  if (message.payload_encoding === "base64") return `(binary) ${hex(octetsOf(message).slice(0, 8)).slice(8, 32)}`;
  return message.payload.slice(0, 120).replace(/\s+/g, " ");
}

/** `chosen` is the index of the message shown whole; `choose(index)` and `setMode` change that. */
export function messageList(messages, { chosen, choose, mode, setMode }) {
  const one = messages[chosen];
  return h("div", { class: one ? "messages with-one" : "messages" },
    h("ol", { "aria-label": "Messages" }, messages.map((message, index) =>
      h("li", { key: `${message.position ?? index} ${message.state ?? ""}` },
        h("button", {
          "aria-current": index === chosen ? "true" : undefined, onclick: () => choose(index),
        },
        h("span.message-head",
          h("b", `#${count(message.position ?? index)}`),
          h("span.route", message.routing_key || "(no key)"),
          message.state === "unacked" && badge("unacked", "warn"), message.redelivered && badge("redelivered", "accent"),
          h("span.muted", octets(message.payload_bytes))),
        h("span.glimpse", glimpse(message)))))),
    one && whole(one, mode || bestMode(one), setMode, () => choose(-1)));
}

function whole(message, mode, setMode, close) {
  const { headers, ...properties } = message.properties || {};
  return h("article.message", { "aria-label": `Message ${message.position ?? ""}` },
    h("div.message-title", h("h3", `Message #${count(message.position ?? 0)}`),
      h("button", { class: "quiet", "aria-label": "Close this message", onclick: close }, "×")),
    facts([
      ["Exchange", exchangeName(message.exchange)], ["Routing key", h("code", message.routing_key || "–")],
      ["Redelivered", { true: "yes", false: "no" }[message.redelivered] || ""], ["Size", octets(message.payload_bytes)],
      message.state && ["State", message.state],
      message.message_count !== undefined && ["Messages behind it", count(message.message_count)],
      message.state === "unacked" && ["Held by", holder(message)],
      message.held_since && ["Held since", `${moment(message.held_since)}, ${ago(message.held_since)}`],
    ]),
    h("h4", "Headers"), tableOf(headers, "No headers"),
    h("h4", "Properties"), tableOf(shown(properties), "No properties"),
    h("h4", "Body"), body(message, mode, setMode));
}

function holder({ consumer_tag: tag, connection, channel }) {
  if (!channel && !connection) return "–";
  return [tag && `consumer ${tag} on `, channel ? channelLink(channel) : connectionLink(connection)];
}

function shown(properties) {
  const { delivery_mode: delivery, timestamp } = properties;
  const words = { 1: "1 (transient)", 2: "2 (persistent)" };
  return {
    ...properties,
    ...(delivery === undefined ? {} : { delivery_mode: words[delivery] || plain(delivery) }),
    ...(timestamp === undefined ? {} : { timestamp: `${timestamp} (${moment(timestamp * 1000)})` }),
  };
}

const MODES = { json: "JSON", text: "Text", hex: "Hex" };

function body(message, mode, setMode) {
  const json = pretty(message);
  const offered = Object.keys(MODES).filter((id) => id !== "json" || json !== null);
  const used = offered.includes(mode) ? mode : "text";
  const text = { json: () => json, text: () => textOf(message), hex: () => hex(octetsOf(message)) }[used]();
  return h("div.body",
    h("div.modes", { role: "group", "aria-label": "Show the body as" }, offered.map((id) =>
      h("button", { key: id, "aria-pressed": String(id === used), onclick: () => setMode(id) }, MODES[id])),
    h("button", { class: "quiet", onclick: (event) => copy(event.currentTarget, textOf(message)) }, "Copy")),
    (message.truncated || text.length > MOST_SHOWN) &&
      h("p.muted", `Only the beginning is shown, of ${octets(message.payload_bytes)}.`),
    h("pre", { tabindex: "0", "aria-label": "Body" }, text.slice(0, MOST_SHOWN) || "(empty)"));
}

async function copy(button, text) {
  await navigator.clipboard?.writeText(text);
  button.textContent = "Copied";
}
