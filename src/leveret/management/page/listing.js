// A view that is one list: filtered, sorted and paged by the broker, all of it in the address.

import { get, query } from "./api.js";
import { h } from "./dom.js";
import { count, plural } from "./format.js";

const SIZES = [20, 50, 100, 250, 500];
const TYPING_MS = 250;
const DEFAULT_SIZE = 50;

/**
 * `spec`: title, key (for what the reader chose), path(vhost), columns, rowKey(item), empty(page),
 * and perhaps vhosts: true, below(page) for forms, hasNames: false where there are none to filter.
 * A column: {id, label, cell(item), sort, number, off}.
 */
export function listing(page, spec) {
  return {
    title: spec.title,
    isEarly: true,
    count: (data) => (data ? count(data.total_count) : ""),
    load: (signal) => load(page, spec, signal),
    render: (data) => [
      spec.intro && h("p.intro", spec.intro),
      toolbar(page, spec, data),
      data ? body(page, spec, data) : !page.fault && h("p.empty", "Loading…"),
      spec.below && spec.below(page),
    ],
  };
}

async function load(page, spec, signal) {
  const { name, use_regex, sort, sort_reverse, vhost } = page.query;
  const wanted = {
    page: page.query.page || 1, page_size: page.query.page_size || DEFAULT_SIZE, name, use_regex,
    sort: sort || spec.sort, sort_reverse, pagination: true,
  };
  try {
    return await get(spec.path(spec.vhosts ? vhost : undefined) + query(wanted), signal);
  } catch (fault) {
    // What was on the last page may be gone meanwhile.
    if (fault.status !== 400 || !(page.query.page > 1)) throw fault;
    page.setQuery({ page: "" });
    return page.data;
  }
}

function body(page, spec, data) {
  if (!data.items.length) {
    const isFiltered = page.query.name || page.query.vhost;
    return h("p.empty", isFiltered ? "Nothing matches the filter." : spec.empty(page));
  }
  const columns = spec.columns.filter((column) => isShown(spec, column));
  return [
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": spec.title },
      h("table.list", h("thead", h("tr", columns.map((column) => head(page, spec, column)))),
        h("tbody", data.items.map((item) => h("tr", { key: spec.rowKey(item) },
          columns.map((column) => h("td", {
            key: column.id, class: column.number && "number", "data-label": column.label },
          column.cell(item)))))))),
    pager(page, data),
  ];
}

function head(page, spec, column) {
  const sorted = page.query.sort || spec.sort;
  const isReversed = page.query.sort_reverse === "true";
  const isSorted = column.sort && column.sort === sorted;
  const order = isSorted ? (isReversed ? "descending" : "ascending") : undefined;
  const press = () => page.setQuery({
    // Of numbers, the largest are what one looks for first.
    sort: column.sort, page: "", sort_reverse: isSorted ? !isReversed || "" : column.number || "",
  });
  return h("th", { key: column.id, scope: "col", class: column.number && "number", "aria-sort": order },
    column.sort ? h("button", { class: "sort", onclick: press }, column.label,
      h("span", { "aria-hidden": "true" }, isSorted ? (isReversed ? " ↓" : " ↑") : "")) : column.label);
}

let typing = 0;

function toolbar(page, spec, data) {
  const typed = (event) => {
    const name = event.target.value;
    clearTimeout(typing);
    typing = setTimeout(() => page.setQuery({ name, page: "" }), TYPING_MS);
  };
  return h("div.toolbar", { role: "search" },
    spec.hasNames !== false && h("input", {
      type: "search", id: "filter", value: page.query.name || "", oninput: typed, spellcheck: "false",
      placeholder: `Filter ${spec.title.toLowerCase()}  ( / )`, "aria-label": `Filter ${spec.title}`,
    }),
    spec.hasNames !== false && h("label.tick", h("input", {
      type: "checkbox", checked: page.query.use_regex === "true",
      onchange: (event) => page.setQuery({ use_regex: event.target.checked || "", page: "" }),
    }), h("span", "Regex")),
    spec.vhosts && page.vhosts.length > 1 && h("select", {
      value: page.query.vhost || "", "aria-label": "Virtual host",
      onchange: (event) => page.setQuery({ vhost: event.target.value, page: "" }),
    }, h("option", { value: "" }, "All virtual hosts"), page.vhosts.map((name) => h("option", { value: name }, name))),
    data && data.filtered_count !== data.total_count &&
      h("span.muted", `${count(data.filtered_count)} of ${count(data.total_count)} match`),
    chooser(page, spec));
}

function chooser(page, spec) {
  return h("details.chooser", h("summary", "Columns"),
    h("div.popup", spec.columns.map((column) => h("label.tick", { key: column.id },
      h("input", {
        type: "checkbox", checked: isShown(spec, column), disabled: column.id === "name",
        onchange: (event) => choose(page, spec, column, event.target.checked),
      }), h("span", column.label)))));
}

const kept = (spec) => JSON.parse(localStorage.getItem(`leveret.columns.${spec.key}`) || "{}");

function isShown(spec, column) {
  return kept(spec)[column.id] ?? !column.off;
}

function choose(page, spec, column, isOn) {
  localStorage.setItem(`leveret.columns.${spec.key}`, JSON.stringify({ ...kept(spec), [column.id]: isOn }));
  page.redraw();
}

function pager(page, data) {
  const step = (to) => ({
    type: "button", disabled: to < 1 || to > data.page_count,
    onclick: () => page.setQuery({ page: to > 1 ? to : "" }),
  });
  return h("nav.pager", { "aria-label": "Pages" },
    h("button", step(data.page - 1), "‹ Previous"),
    h("span", `Page ${count(data.page)} of ${count(Math.max(1, data.page_count))}`),
    h("button", step(data.page + 1), "Next ›"),
    h("label", "Rows ", h("select", {
      value: page.query.page_size || String(DEFAULT_SIZE),
      onchange: (event) => page.setQuery({ page_size: event.target.value, page: "" }),
    }, SIZES.map((size) => h("option", { value: size }, size)))),
    h("span.muted", plural(data.filtered_count, "row")));
}
