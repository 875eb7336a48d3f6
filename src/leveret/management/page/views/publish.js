// The form that publishes a message.

import { path, post } from "../api.js";
import { sign } from "../dialog.js";
import { area, args, choice, field, form } from "../forms.js";

const PROPERTIES = {
  content_type: { type: "string", hint: "application/json" }, content_encoding: { type: "string" },
  priority: { type: "number", hint: "0 to 255" }, correlation_id: { type: "string" },
  reply_to: { type: "string", hint: "queue for the answer" },
  expiration: { type: "string", hint: "milliseconds" }, message_id: { type: "string" },
  timestamp: { type: "number", hint: "seconds since 1970" }, type: { type: "string" },
  user_id: { type: "string", hint: "must be the user who publishes" }, app_id: { type: "string" },
};

/** `key` is the routing key to begin with; `isQueue` when it cannot be another. */
export function publishForm(page, vhost, exchange, key = "", isQueue = false) {
  return form({
    submit: "Publish message", keeps: true,
    fields: [
      isQueue ? null : field("Routing key", "routing_key", { value: key }),
      choice("Delivery mode", "delivery_mode", [["2", "Persistent"], ["1", "Transient"]]),
      choice("Payload is", "payload_encoding", [["string", "text"], ["base64", "base64 of octets"]]),
      args("Headers", {}, { name: "headers" }),
      args("Properties", PROPERTIES, { name: "properties" }),
      area("Payload", "payload", { rows: 6 }),
    ],
    does: async (values) => {
      const properties = { ...values.properties, delivery_mode: Number(values.delivery_mode) };
      if (Object.keys(values.headers).length) properties.headers = values.headers;
      const { routed } = await post(path("exchanges", vhost, exchange || "amq.default", "publish"), {
        properties, routing_key: isQueue ? key : values.routing_key, payload: values.payload,
        payload_encoding: values.payload_encoding,
      });
      if (routed) sign("The message is published");
      else sign("The message was published and dropped: no binding matches its routing key.", "bad");
      await page.refresh();
    },
  });
}
