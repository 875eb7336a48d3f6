// The page that is shown: its address, its data, and the polling that keeps it fresh.

import { get, getOr, query } from "./api.js";
import { patch } from "./dom.js";
import { confirm, sign } from "./dialog.js";

const INTERVAL = "leveret.interval";
const LONGEST_MS = 60000;
const DEFAULT_S = 5;

/** "#/queues/%2F/orders?tab=messages" to its names and its query. */
export function parse(hash) {
  const [names, wanted] = hash.replace(/^#?\/?/, "").split("?");
  const parts = names ? names.split("/").map(decoded) : [];
  return { parts, query: Object.fromEntries(new URLSearchParams(wanted || "")) };
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // typed by hand: a name with "%" as it is; if there is none such, the page says so
  }
}

export class Page {
  me = { name: "", tags: [] };
  about = {};
  vhosts = [];
  data = undefined;
  fault = null;
  query = {};
  #view = null;
  #place = null;
  #timer = 0;
  #asking = null;
  #failures = 0;
  #used = 0;
  #draw;
  #lost;
  #find;

  /** `draw` draws everything, `find` makes the view of an address, `lost` is told of a bad login. */
  constructor({ draw, find, lost }) {
    this.#draw = draw;
    this.#find = find;
    this.#lost = lost;
    addEventListener("hashchange", () => this.show());
    for (const type of ["keydown", "pointerdown"]) addEventListener(type, () => this.#use(), true);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#pause();
      else if (this.#view) this.refresh();
    });
  }

  get view() {
    return this.#view;
  }

  get interval() {
    const kept = localStorage.getItem(INTERVAL);
    return kept === null ? DEFAULT_S : Number(kept);
  }

  set interval(seconds) {
    localStorage.setItem(INTERVAL, seconds);
    this.refresh();
  }

  has(...tags) {
    return tags.some((tag) => this.me.tags.includes(tag)) || this.me.tags.includes("administrator");
  }

  async enter() {
    this.me = await get("whoami");
    this.#used = Date.now();
    if (typeof this.me.tags === "string") this.me.tags = this.me.tags.split(",");
    const [about, vhosts] = await Promise.all([getOr({}, "overview"), getOr([], "vhosts")]);
    this.about = about;
    this.vhosts = vhosts.map((vhost) => vhost.name).sort();
  }

  leave() {
    this.#pause();
    this.#view?.end?.();
    this.#view = null;
    this.#place = null;
  }

  /** Show what the address says; the same view stays when only its query changed. */
  show() {
    if (!this.me.name) return;
    const { parts, query: wanted } = parse(location.hash);
    const place = JSON.stringify(parts);
    this.query = wanted;
    const isOther = place !== this.#place;
    if (isOther) {
      this.#place = place;
      this.#view?.end?.();
      this.data = undefined;
      this.#view = this.#find(parts, this);
      document.title = `${this.#view.title} · ${this.about.cluster_name || "Leveret"}`;
      scrollTo(0, 0);
    }
    this.fault = null;
    this.redraw();
    // Else whoever has the page read aloud would not know that there is another.
    if (isOther) document.getElementById("main").focus({ preventScroll: true });
    return this.refresh();
  }

  redraw() {
    this.#draw();
  }

  setQuery(changes) {
    const wanted = query({ ...this.query, ...changes });
    const names = location.hash.replace(/^#?\/?/, "").split("?")[0];
    history.replaceState(null, "", `#/${names}${wanted}`);
    return this.show();
  }

  go(hash) {
    location.hash = hash;
  }

  #pause() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  #use() {
    if (this.#view && this.#isIdle) this.#lost();
    else this.#used = Date.now();
  }

  get #isIdle() {
    return Date.now() - this.#used > (this.me.login_session_timeout || Infinity) * 60000;
  }

  async refresh() {
    if (!this.#view) return;
    this.#pause();
    if (this.#isIdle) return this.#lost();
    const asking = new AbortController();
    const view = this.#view;
    this.#asking = asking;
    try {
      const data = await view.load(asking.signal);
      if (asking.signal.aborted) return;
      this.data = data;
      this.fault = null;
      this.#failures = 0;
    } catch (fault) {
      if (asking.signal.aborted) return;
      if (fault.status === undefined) throw fault;
      this.fault = fault;
      this.#failures += fault.status === 0 || fault.status >= 500 ? 1 : 0;
      if (fault.status === 401 && !(await this.#isWelcome())) return this.#lost();
    }
    this.redraw();
    this.#schedule();
  }

  async #isWelcome() {
    try {
      await get("whoami");
      return true;
    } catch (fault) {
      return fault.status !== 401;
    }
  }

  #schedule() {
    if (document.hidden || !this.interval) return;
    // A broker that is down or busy is asked less and less often.
    const wait = Math.min(this.interval * 1000 * 2 ** this.#failures, LONGEST_MS);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), wait);
  }

  /** Do something to the broker, say that it is done, and look again.  Undefined when refused. */
  async act(doing, done) {
    try {
      const answer = await doing;
      if (done) sign(done);
      await this.refresh();
      return answer ?? true;
    } catch (fault) {
      if (fault.status === undefined) throw fault;
      sign(fault.message, "bad");
      return undefined;
    }
  }

  /** Say that something is done, and look again. */
  done(text) {
    sign(text);
    return this.refresh();
  }

  /** Ask first; then do it, say so, and go on to another address if one is given. */
  async ask({ act, done, go, ...question }) {
    const answer = await confirm(question);
    if (answer === null) return;
    if ((await this.act(act(answer), done)) && go) this.go(go);
  }

  draw(vnodes) {
    patch(document.getElementById("app"), vnodes);
  }
}
