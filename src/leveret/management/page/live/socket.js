// What the clients of both protocols share: the WebSocket, and who waits for which answer.

import { Refusal } from "../api.js";

/** The WebSocket at a path below the page's own folder, open. */
export function opened(where, subprotocols) {
  const url = new URL(where, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  return new Promise((done, failed) => {
    const socket = new WebSocket(url, subprotocols);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => done(socket);
    socket.onclose = () => failed(new Refusal(0, `The broker opens no WebSocket at ${url.pathname}.`));
  });
}

export class Waiting {
  #those = new Map();

  /** Resolved or refused when `done` or `fail` is called with the same name. */
  answer(name) {
    return new Promise((done, failed) => this.#those.set(name, { done, failed }));
  }

  done(name, answer = "") {
    this.#take(name)?.done(answer);
  }

  fail(name, why) {
    this.#take(name)?.failed(new Refusal(0, why));
  }

  failAll(why) {
    for (const name of [...this.#those.keys()]) this.fail(name, why);
  }

  #take(name) {
    const one = this.#those.get(name);
    this.#those.delete(name);
    return one;
  }
}
