// Messages as they come: subscribe and publish from here, by MQTT and by STOMP, in WebSockets.

import { login } from "../api.js";
import { sign } from "../dialog.js";
import { h } from "../dom.js";
import { count } from "../format.js";
import { area, choice, field, form, vhostChoice } from "../forms.js";
import { Mqtt } from "../live/mqtt.js";
import { Stomp } from "../live/stomp.js";
import { cell, row, section, table } from "../parts.js";

const CLIENTS = { MQTT: Mqtt, STOMP: Stomp };
const SHOWN = 100;
const HINT = "sensors/# by MQTT, /topic/sensors.# by STOMP";

export function liveView(page) {
  const live = new Live(page);
  return {
    title: "Live", isEarly: true, load: async () => ({}), end: () => live.end(),
    render: () => [
      h("p.muted", "What you publish and receive here goes through the broker as any client's messages do; "
        + "an MQTT topic a/b is the routing key a.b of amq.topic."),
      h("div.columns", live.subscribing(), live.publishing()),
      live.received(),
    ],
  };
}

class Live {
  #page;
  #clients = new Map();
  #messages = [];
  #total = 0;
  #isDrawing = false;
  #hasEnded = false;

  constructor(page) {
    this.#page = page;
  }

  subscribing() {
    return section("Subscribe", form({
      submit: "Subscribe", keeps: true,
      fields: [vhostChoice(this.#page), choice("Protocol", "protocol", Object.keys(CLIENTS)),
        field("Topic or destination", "to", { required: true, hint: HINT, wide: true })],
      does: async ({ vhost, protocol, to }) => {
        const client = await this.#client(protocol, vhost);
        await client.subscribe(to);
        sign(`Subscribed to ${to}`);
      },
    }));
  }

  publishing() {
    return section("Publish", form({
      submit: "Publish", keeps: true,
      fields: [vhostChoice(this.#page), choice("Protocol", "protocol", Object.keys(CLIENTS)),
        field("Topic or destination", "to", { required: true, wide: true }),
        area("Payload", "payload", { rows: 3 }),
        field("How often", "times", { type: "number", min: 1, max: 10000, value: 1, hint: "# in the payload counts" })],
      does: async ({ vhost, protocol, to, payload, times }) => {
        const client = await this.#client(protocol, vhost);
        const sent = Array.from({ length: Number(times) || 1 }, (_, number) =>
          client.publish(to, Number(times) > 1 ? payload.replaceAll("#", number + 1) : payload));
        const [said] = await Promise.all(sent);
        sign(said || `The broker has ${sent.length > 1 ? `all ${count(sent.length)} messages` : "the message"}`,
          said ? "bad" : undefined);
      },
    }));
  }

  received() {
    const rows = this.#messages.map((one) => row(one.number, cell(one.time), cell(one.protocol), cell(one.to),
      cell(h("span.long", one.body))));
    return section(`Received: ${count(this.#total)}`,
      table("Received", ["Time", "Protocol", "Topic or destination", "Payload"], rows,
        "Nothing yet. Subscribe to something, then publish to it."),
      rows.length > 0 && h("div.buttons", h("button", { onclick: () => this.#clear() }, "Clear")));
  }

  end() {
    this.#hasEnded = true;
    for (const client of this.#clients.values()) client.then((one) => one.close(), () => {});
    this.#clients.clear();
  }

  #client(protocol, vhost) {
    const name = `${protocol} ${vhost}`;
    let client = this.#clients.get(name);
    if (!client) {
      client = this.#connect(name, protocol, vhost);
      this.#clients.set(name, client);
    }
    return client;
  }

  async #connect(name, protocol, vhost) {
    try {
      const client = await CLIENTS[protocol].connect({ ...login(), vhost });
      client.onmessage = (message) => this.#take(protocol, message);
      client.onclose = (why) => {
        this.#clients.delete(name);
        if (!this.#hasEnded) sign(`${protocol}: ${why}`, "bad");
      };
      return client;
    } catch (refusal) {
      this.#clients.delete(name);
      throw refusal;
    }
  }

  #take(protocol, { to, body }) {
    this.#total += 1;
    this.#messages.unshift({ number: this.#total, time: new Date().toLocaleTimeString(), protocol, to, body });
    this.#messages.length = Math.min(this.#messages.length, SHOWN);
    this.#draw();
  }

  #clear() {
    this.#messages = [];
    this.#total = 0;
    this.#draw();
  }

  /** Once for all that came since the screen was drawn. */
  #draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      if (!this.#hasEnded) this.#page.redraw();
    });
  }
}
