// A client of STOMP 1.2 in a WebSocket: connect, subscribe, send, receive.

import { opened, Waiting } from "./socket.js";

const ESCAPES = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", ":": "\\c" };
const PLAIN = { "\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\c": ":" };
const decoder = new TextDecoder();

const escaped = (value) => value.replace(/[\\\n\r:]/g, (one) => ESCAPES[one]);
const plain = (value) => value.replace(/\\[\\nrc]/g, (one) => PLAIN[one]);

function frame(command, headers, body = "") {
  const isFirst = command === "CONNECT"; // has no escapes, for older versions' sake
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${isFirst ? value : escaped(value)}\n`);
  const length = body ? `content-length:${new TextEncoder().encode(body).length}\n` : "";
  return `${command}\n${lines.join("")}${length}\n${body}\0`;
}

function parsed(octets) {
  const whole = typeof octets === "string" ? octets : decoder.decode(octets);
  const end = whole.indexOf("\n\n");
  if (end < 0) return null; // a heart-beat
  const [command, ...lines] = whole.slice(0, end).split("\n");
  const headers = {};
  for (const line of lines) {
    const at = line.indexOf(":");
    headers[plain(line.slice(0, at))] ??= plain(line.slice(at + 1)); // of several the first counts
  }
  return { command, headers, body: whole.slice(end + 2, whole.lastIndexOf("\0")) };
}

export class Stomp {
  onmessage = () => {};
  onclose = () => {};
  #socket;
  #waiting = new Waiting();
  #id = 0;

  static async connect({ user, password, vhost }) {
    const client = new Stomp();
    client.#socket = await opened("ws/stomp", ["v12.stomp"]);
    client.#socket.onmessage = ({ data }) => client.#on(parsed(data));
    client.#socket.onclose = (event) => client.#lost(event.reason || "The connection was lost.");
    const greeted = client.#waiting.answer("greeting");
    client.#socket.send(frame("CONNECT", {
      "accept-version": "1.2", host: vhost, login: user, passcode: password, "heart-beat": "0,0",
    }));
    await greeted;
    return client;
  }

  subscribe(destination) {
    const id = String(this.#id += 1);
    return this.#ask("SUBSCRIBE", { id, destination, ack: "auto" });
  }

  /** Resolved once the broker has it. */
  publish(destination, body) {
    return this.#ask("SEND", { destination, "content-type": "text/plain" }, body);
  }

  close() {
    this.#socket.send(frame("DISCONNECT", {}));
    this.#socket.close();
  }

  #ask(command, headers, body) {
    const receipt = String(this.#id += 1);
    this.#socket.send(frame(command, { ...headers, receipt }, body));
    return this.#waiting.answer(receipt);
  }

  #lost(why) {
    this.#waiting.failAll(why);
    this.onclose(why);
  }

  #on(got) {
    if (!got) return;
    const { command, headers, body } = got;
    if (command === "MESSAGE") this.onmessage({ to: headers.destination, body });
    else if (command === "CONNECTED") this.#waiting.done("greeting");
    else if (command === "RECEIPT") this.#waiting.done(headers["receipt-id"]);
    else if (command === "ERROR") {
      this.#waiting.failAll(`The broker refused: ${[headers.message, body.trim()].filter(Boolean).join(": ")}`);
    }
  }
}
