// <live-chart>: lines over time with axes, a legend that switches lines, and a reading of the moment
// under the pointer (or the arrow keys).  Give it `.data`:
// {label, unit: "rate" | "count" | "octets" | "octetRate", range: seconds, empty: sentence,
//  series: [{name, points: [[milliseconds, value], …] oldest first}, …]}.

import { h, patch } from "./dom.js";
import { brief, clock, count, octetRate, octets, rate, two } from "./format.js";

const LEFT = 52;
const RIGHT = 12;
const TOP = 8;
const BOTTOM = 24;
const HEIGHT = 190;
const WRITE = { rate, count, octets, octetRate };
const STEPS = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200];

/** The points of a length (messages in a queue): samples are values.  Oldest first. */
export function lengths(stats, name) {
  const samples = stats?.[`${name}_details`]?.samples;
  return Array.isArray(samples) ? samples.map((s) => [s.timestamp, s.sample]).reverse() : [];
}

/** The points of a rate: samples are a counter's values, so what counts is how it grew. */
export function growth(stats, name) {
  const points = lengths(stats, name);
  return points.slice(1).map(([at, value], index) => {
    const [before, was] = points[index];
    return [at, Math.max(0, ((value - was) * 1000) / Math.max(1, at - before))];
  });
}

/** Round steps for an axis from 0 to at least `top`. */
export function ticks(top, wanted = 4, whole = false) {
  const raw = (top > 0 ? top : 1) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 5, 10].find((factor) => factor * power >= raw) * power;
  if (whole) step = Math.max(1, step);
  const marks = [];
  for (let n = 0; n === 0 || marks[n - 1] < top; n += 1) marks.push(Number((n * step).toFixed(9)));
  return marks.length > 1 ? marks : [0, step];
}

class LiveChart extends HTMLElement {
  #data = null;
  #hidden = new Set();
  #reading = null;
  #width = 0;
  #watcher = new ResizeObserver(() => this.#measure());

  set data(data) {
    this.#data = data;
    this.#draw();
  }

  connectedCallback() {
    this.#watcher.observe(this);
    this.#measure();
  }

  disconnectedCallback() {
    this.#watcher.disconnect();
  }

  #measure() {
    const width = Math.floor(this.clientWidth);
    if (width === this.#width) return;
    this.#width = width;
    this.#draw();
  }

  #draw() {
    if (!this.#data || !this.#width) return;
    const { label } = this.#data;
    const shown = this.#data.series.filter((line) => !this.#hidden.has(line.name));
    const hasPoints = this.#data.series.some((line) => line.points.length > 1);
    patch(this, [
      h("p.chart-title", label),
      hasPoints ? this.#plot(shown) : h("p.chart-empty", this.#data.empty),
      this.#legend(),
    ]);
  }

  #frame(shown) {
    const points = shown.flatMap((line) => line.points);
    const end = points.length ? Math.max(...points.map(([at]) => at)) : Date.now();
    const start = end - this.#data.range * 1000;
    const top = Math.max(0, ...points.map(([, value]) => value));
    const binary = this.#data.unit.startsWith("octet");
    const marks = binary ? octetTicks(top) : ticks(top, 4, this.#data.unit === "count");
    const across = this.#width - LEFT - RIGHT;
    const down = HEIGHT - TOP - BOTTOM;
    const most = marks[marks.length - 1];
    return {
      start, end, marks,
      x: (at) => LEFT + (across * (at - start)) / (end - start),
      y: (value) => TOP + down * (1 - value / most),
    };
  }

  #plot(shown) {
    const frame = this.#frame(shown);
    const { x, y, start } = frame;
    const reading = this.#readingIn(shown, frame);
    const lines = shown.map((line) => {
      const inside = line.points.filter(([at]) => at >= start);
      const places = inside.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
      return h("polyline", { class: this.#colour(line, "line"), points: places.join(" ") });
    });
    return h("div.chart-plot",
      h("svg", {
        viewBox: `0 0 ${this.#width} ${HEIGHT}`, width: this.#width, height: HEIGHT, role: "img",
        "aria-label": this.#summary(shown), tabindex: "0",
        onpointermove: (event) => this.#point(event, frame), onpointerleave: () => this.#read(null),
        onkeydown: (event) => this.#step(event, shown), onblur: () => this.#read(null),
      }, this.#axes(frame), lines.reverse(), reading && this.#cursor(reading, shown, frame)),
      reading && this.#tooltip(reading, shown, frame));
  }

  #axes({ marks, x, y, start, end }) {
    const write = this.#data.unit.startsWith("octet") ? octets : brief;
    const step = STEPS.find((seconds) => (end - start) / 1000 / seconds <= this.#width / 90) || 43200;
    const times = [];
    const zone = new Date(end).getTimezoneOffset() * 60000;
    const first = Math.ceil((start - zone) / (step * 1000)) * step * 1000 + zone;
    for (let at = first; at <= end; at += step * 1000) times.push(at);
    return [
      marks.map((mark) => [
        h("line.grid", { x1: LEFT, x2: this.#width - RIGHT, y1: y(mark), y2: y(mark) }),
        h("text.tick", { x: LEFT - 6, y: y(mark) + 4, "text-anchor": "end" }, write(mark)),
      ]),
      times.filter((at) => x(at) < this.#width - RIGHT - 14).map((at) =>
        h("text.tick", { x: x(at), y: HEIGHT - 6, "text-anchor": "middle" },
          step < 60 ? clock(at) : `${two(new Date(at).getHours())}:${two(new Date(at).getMinutes())}`)),
    ];
  }

  #legend() {
    const write = WRITE[this.#data.unit];
    return h("ul.chart-legend", this.#data.series.map((line) => {
      const last = line.points.length ? line.points[line.points.length - 1][1] : line.now;
      const isOn = !this.#hidden.has(line.name);
      return h("li", { key: line.name },
        h("button", {
          type: "button", class: this.#colour(line, "legend"), "aria-pressed": String(isOn),
          title: isOn ? `Hide ${line.name}` : `Show ${line.name}`,
          onclick: () => this.#toggle(line.name),
        }, h("span.swatch", { "aria-hidden": "true" }), line.name,
        h("span.value", write(line.now ?? last))));
    }));
  }

  #colour(line, kind) {
    return `${kind} c${1 + (this.#data.series.indexOf(line) % 8)}`;
  }

  #toggle(name) {
    if (!this.#hidden.delete(name)) this.#hidden.add(name);
    this.#draw();
  }

  #summary(shown) {
    const write = WRITE[this.#data.unit];
    const said = shown.filter((line) => line.points.length).map(
      (line) => `${line.name} ${write(line.points[line.points.length - 1][1])}`);
    return `${this.#data.label}: ${said.join(", ") || "nothing yet"}`;
  }

  #point(event, { start, end }) {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (this.#width - LEFT - RIGHT);
    this.#read(start + Math.max(0, Math.min(1, share)) * (end - start));
  }

  #step(event, shown) {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const times = this.#longest(shown).map(([at]) => at);
    if (!move || !times.length) return;
    event.preventDefault();
    event.stopPropagation();
    const here = times.indexOf(nearest(times, this.#reading ?? times[times.length - 1]));
    this.#read(times[Math.max(0, Math.min(times.length - 1, here + move))]);
  }

  #longest(shown) {
    return shown.reduce((most, line) => (line.points.length > most.length ? line.points : most), []);
  }

  #read(at) {
    this.#reading = at;
    this.#draw();
  }

  #readingIn(shown, { start }) {
    const times = this.#longest(shown).map(([at]) => at).filter((at) => at >= start);
    return this.#reading === null || !times.length ? null : nearest(times, this.#reading);
  }

  #cursor(at, shown, { x, y }) {
    return [
      h("line.cursor", { x1: x(at), x2: x(at), y1: TOP, y2: HEIGHT - BOTTOM }),
      shown.map((line) => {
        const point = line.points.find(([when]) => when === at);
        return point && h("circle", {
          class: this.#colour(line, "dot"), cx: x(at), cy: y(point[1]), r: 3.5,
        });
      }),
    ];
  }

  #tooltip(at, shown, { x }) {
    const write = WRITE[this.#data.unit];
    const isLate = x(at) > this.#width / 2;
    const place = isLate ? { left: "auto", right: `${this.#width - x(at) + 10}px` }
      : { right: "auto", left: `${x(at) + 10}px` };
    return h("div.chart-tip", { style: place, "aria-live": "polite" },
      h("b", clock(at)),
      shown.map((line) => {
        const point = line.points.find(([when]) => when === at);
        return point && h("span", { class: this.#colour(line, "legend") },
          h("span.swatch"), line.name, h("span.value", write(point[1])));
      }));
  }
}

function octetTicks(top) {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(1, top)) / Math.log(1024)));
  return ticks(top / unit, 4).map((mark) => mark * unit);
}

function nearest(times, wanted) {
  return times.reduce((best, at) => (Math.abs(at - wanted) < Math.abs(best - wanted) ? at : best));
}

customElements.define("live-chart", LiveChart);
