// A client of MQTT 5 in a WebSocket: connect, subscribe, publish at QoS 1, receive.

import { Refusal } from "../api.js";
import { opened, Waiting } from "./socket.js";

const CONNECT = 1, CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBSCRIBE = 8, SUBACK = 9, DISCONNECT = 14;
const REASONS = {
  0x10: "nobody has subscribed to that", 0x86: "bad user name or password", 0x87: "not authorised",
  0x8f: "that is no topic filter", 0x90: "that is no topic", 0x97: "quota exceeded", 0x8b: "the broker goes",
};
const MOST_IDS = 65535;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const reason = (code) => REASONS[code] || `reason code ${code}`;
const short = (number) => [number >> 8, number & 255];

function text(value) {
  const octets = encoder.encode(value);
  return [...short(octets.length), ...octets];
}

function packet(type, flags, ...parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [type << 4 | flags];
  for (let rest = size; ; rest >>= 7) {
    head.push(rest > 127 ? rest & 127 | 128 : rest);
    if (rest <= 127) break;
  }
  const made = new Uint8Array(head.length + size);
  made.set(head);
  parts.reduce((at, part) => (made.set(part, at), at + part.length), head.length);
  return made;
}

export class Mqtt {
  onmessage = () => {};
  onclose = () => {};
  #socket;
  #rest = new Uint8Array(0);
  #waiting = new Waiting();
  #id = 0;

  static async connect({ user, password, vhost }) {
    const client = new Mqtt();
    client.#socket = await opened("ws/mqtt", ["mqtt"]);
    client.#socket.onmessage = ({ data }) => client.#take(new Uint8Array(data));
    client.#socket.onclose = (event) => client.#lost(event.reason || "The connection was lost.");
    const greeted = client.#waiting.answer("greeting");
    client.#send(packet(CONNECT, 0, text("MQTT"), [5, 0xc2], short(0), [0],
      text(`leveret-page-${crypto.getRandomValues(new Uint32Array(2)).join("")}`),
      text(`${vhost}:${user}`), text(password)));
    await greeted;
    return client;
  }

  subscribe(filter) {
    const id = this.#nextId();
    this.#send(packet(SUBSCRIBE, 2, short(id), [0], text(filter), [1]));
    return this.#waiting.answer(id);
  }

  /** Resolved once the broker has it; to a sentence if nobody gets it. */
  publish(topic, body) {
    const id = this.#nextId();
    this.#send(packet(PUBLISH, 2, text(topic), short(id), [0], encoder.encode(body)));
    return this.#waiting.answer(id);
  }

  close() {
    this.#send(packet(DISCONNECT, 0));
    this.#socket.close();
  }

  #nextId() {
    this.#id = this.#id % MOST_IDS + 1;
    return this.#id;
  }

  #send(octets) {
    this.#socket.send(octets);
  }

  #lost(why) {
    this.#waiting.failAll(why);
    this.onclose(why);
  }

  #take(octets) {
    const all = new Uint8Array(this.#rest.length + octets.length);
    all.set(this.#rest);
    all.set(octets, this.#rest.length);
    let at = 0;
    for (;;) {
      const [size, body] = number(all, at + 1);
      if (body < 0 || body + size > all.length) break;
      this.#on(all[at] >> 4, all[at] & 15, all.subarray(body, body + size));
      at = body + size;
    }
    this.#rest = all.slice(at);
  }

  #on(type, flags, body) {
    if (type === PUBLISH) this.#deliver(flags >> 1 & 3, body);
    else if (type === CONNACK) this.#answer("greeting", body[1]);
    else if (type === PUBACK) this.#answer(body[0] << 8 | body[1], body[2] || 0);
    else if (type === SUBACK) this.#answer(body[0] << 8 | body[1], body.at(-1));
    else if (type === DISCONNECT) this.#waiting.failAll(`The broker ended it: ${reason(body[0])}.`);
  }

  #answer(id, code) {
    if (code >= 0x80) this.#waiting.fail(id, `The broker refused: ${reason(code)}.`);
    else this.#waiting.done(id, code === 0x10 ? `Published, but ${reason(code)}.` : "");
  }

  #deliver(qos, body) {
    const size = body[0] << 8 | body[1];
    let at = 2 + size + (qos ? 2 : 0);
    if (qos) this.#send(packet(PUBACK, 0, body.subarray(at - 2, at)));
    const [length, rest] = number(body, at);
    at = rest + length;
    this.onmessage({ to: decoder.decode(body.subarray(2, 2 + size)), body: decoder.decode(body.subarray(at)) });
  }
}

/** A number of one to four octets and where it ends; -1 if it does not end yet. */
function number(octets, at) {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7, at += 1) {
    if (at >= octets.length) return [0, -1];
    value += (octets[at] & 127) * 2 ** shift;
    if (octets[at] < 128) return [value, at + 1];
  }
  throw new Refusal(0, "The broker sent what is no MQTT.");
}
