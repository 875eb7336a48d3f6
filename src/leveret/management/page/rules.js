// What arguments and policies may say of queues and exchanges, for the forms that offer it.

const number = (label, hint) => ({ type: "number", label, hint });
const string = (label, hint) => ({ type: "string", label, hint });

/** What operators may limit. */
export const LIMITS = {
  "message-ttl": number("Message TTL", "milliseconds a message may wait"),
  expires: number("Expires", "milliseconds unused until the queue goes"),
  "max-length": number("Max length", "messages"), "max-length-bytes": number("Max length in octets", "octets"),
  "delivery-limit": number("Delivery limit", "deliveries of one message"),
  overflow: string("Overflow", "drop-head, reject-publish or reject-publish-dlx"),
};
const QUEUES = {
  ...LIMITS,
  "dead-letter-exchange": string("Dead letter exchange", "name"),
  "dead-letter-routing-key": string("Dead letter routing key", "key"),
  "dead-letter-strategy": string("Dead letter strategy", "at-most-once or at-least-once"),
  "consumer-timeout": number("Consumer timeout", "milliseconds until an ack"),
};
export const POLICY = {
  ...QUEUES, "alternate-exchange": string("Alternate exchange", "gets what is routed nowhere"),
};
export const QUEUE_ARGUMENTS = {
  ...Object.fromEntries(Object.entries(QUEUES).map(([name, rule]) => [`x-${name}`, rule])),
  "x-max-priority": number("Priorities", "highest priority, 1 to 255"),
  "x-single-active-consumer": { type: "boolean", label: "Single active consumer", value: "true" },
};
export const EXCHANGE_ARGUMENTS = {
  "alternate-exchange": POLICY["alternate-exchange"],
  "x-delayed-type": string("Delayed type", "type that x-delayed-message routes by"),
};
