// The one door to the broker: HTTP requests with the user's login, and refusals as sentences.

const LOGIN = "leveret.login";

/** What the broker refused, or why it could not be asked; `status` 0 means that nobody answered. */
export class Refusal extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
  }
}

export const segment = encodeURIComponent;
/** A path of names: path("queues", "/", "orders") is "queues/%2F/orders". */
export const path = (...names) => names.map(segment).join("/");

export function query(values) {
  const pairs = Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== "");
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

export function remember(user, password) {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  sessionStorage.setItem(LOGIN, btoa(String.fromCharCode(...bytes)));
}

/** Name and password, for what does not go over HTTP. */
export function login() {
  const octets = Uint8Array.from(atob(sessionStorage.getItem(LOGIN)), (one) => one.charCodeAt(0));
  const [, user, password] = /^([^:]*):(.*)$/s.exec(new TextDecoder().decode(octets));
  return { user, password };
}

export const forget = () => sessionStorage.removeItem(LOGIN);
export const isKnown = () => sessionStorage.getItem(LOGIN) !== null;

async function ask(method, where, { body, signal, headers } = {}) {
  const asked = {
    Authorization: `Basic ${sessionStorage.getItem(LOGIN)}`, "X-Requested-With": "XMLHttpRequest", ...headers,
  };
  if (body !== undefined) asked["Content-Type"] = "application/json";
  // Browsers take such a name for a folder, however it is written, and would ask for something else.
  if (where.split("?")[0].split("/").some((name) => name === "." || name === "..")) {
    throw new Refusal(0, 'No browser can ask for what is called "." or "..": leveret ctl can.');
  }
  let answer;
  try {
    // The browser must not add a login of its own, nor ask for one in a window of its own.
    answer = await fetch(`api/${where}`, {
      method, signal, headers: asked, credentials: "omit", cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Refusal(0, "The broker does not answer. It will be asked again.");
  }
  if (!answer.ok) throw new Refusal(answer.status, await reasonOf(answer));
  return answer;
}

async function reasonOf(answer) {
  const text = await answer.text();
  try {
    const { reason, error } = JSON.parse(text);
    return sentence(reason) || sentence(error) || text;
  } catch {
    return text || `The broker answered ${answer.status} ${answer.statusText}.`;
  }
}

function sentence(value) {
  if (value && typeof value === "object") return Object.values(value).map(sentence).join(", ");
  return value ? String(value) : "";
}

async function asked(...request) {
  const answer = await ask(...request);
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

export const get = (where, signal) => asked("GET", where, { signal });
export const put = (where, body = {}) => asked("PUT", where, { body });
export const post = (where, body = {}) => asked("POST", where, { body });
export const remove = (where, headers) => asked("DELETE", where, { headers });

/** `fallback` where the user may not look, the broker does not offer it, or it is not there. */
export async function getOr(fallback, where, signal) {
  try {
    return await get(where, signal);
  } catch (fault) {
    if ([401, 403, 404, 405].includes(fault.status)) return fallback;
    throw fault;
  }
}

/** Several answers at once, by name; where `[path, fallback]` is given, the fallback serves too. */
export async function getAll(wanted, signal) {
  const answers = Object.entries(wanted).map(async ([name, where]) => [name, where === null ? null
    : await (Array.isArray(where) ? getOr(where[1], where[0], signal) : get(where, signal))]);
  return Object.fromEntries(await Promise.all(answers));
}

/** Save an answer as a file of the user's. */
export async function download(where, name) {
  const answer = await ask("GET", where);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
