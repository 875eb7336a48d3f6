// Numbers, times and names as people read them.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const ONE = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export function count(value) {
  return isNumber(value) ? WHOLE.format(value) : "–";
}

/** A count for narrow places: 12.3k, 4.5M. */
export function brief(value) {
  if (!isNumber(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return `${ONE.format(value / 1e9)}G`;
  if (size >= 1e6) return `${ONE.format(value / 1e6)}M`;
  if (size >= 1e4) return `${ONE.format(value / 1e3)}k`;
  return size < 10 ? ONE.format(value) : WHOLE.format(value);
}

export function rate(value) {
  if (!isNumber(value)) return "–";
  return value > 0 && value < 100 ? `${ONE.format(value)}/s` : `${WHOLE.format(value)}/s`;
}

export function octets(value) {
  if (!isNumber(value)) return "–";
  let unit = 0;
  let rest = value;
  while (Math.abs(rest) >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${rest < 100 && unit ? ONE.format(rest) : WHOLE.format(rest)} ${UNITS[unit]}`;
}

export const octetRate = (value) => (isNumber(value) ? `${octets(value)}/s` : "–");

export function duration(ms) {
  if (!isNumber(ms)) return "–";
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return "0 s";
  const shown = parts.slice(first, first + 2).filter(([amount]) => amount > 0);
  return shown.map(([amount, unit]) => `${amount} ${unit}`).join(" ");
}

export const two = (value) => String(value).padStart(2, "0");

export function clock(ms) {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** Date and time in the reader's zone, always written the same way. */
export function moment(ms) {
  if (!isNumber(ms)) return "–";
  const at = new Date(ms);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${clock(ms)}`;
}

/** A date as the HTTP API spells it, in the reader's zone. */
export const since = (text) => (text ? moment(Date.parse(text)) : "");

export const ago = (ms) => (isNumber(ms) ? `${duration(Date.now() - ms)} ago` : "–");

export function percent(part, whole) {
  return isNumber(part) && isNumber(whole) && whole > 0 ? Math.min(100, (100 * part) / whole) : 0;
}

/** A value of AMQP arguments on one line. */
export function plain(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

export const exchangeName = (name) => (name === "" ? "(AMQP default)" : name);

export const plural = (amount, one, many = `${one}s`) =>
  `${count(amount)} ${amount === 1 ? one : many}`;

/** The rate that belongs to a counter: `messages` to `messages_details.rate`. */
export function rateOf(stats, name) {
  const details = stats && stats[`${name}_details`];
  return details && isNumber(details.rate) ? details.rate : undefined;
}
