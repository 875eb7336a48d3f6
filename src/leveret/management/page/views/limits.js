// How many connections, queues and channels virtual hosts and users may have.

import { getAll, path, put, remove } from "../api.js";
import { h } from "../dom.js";
import { count } from "../format.js";
import { choice, field, form, vhostChoice } from "../forms.js";
import { cell, link, numberCell, quiet, row, section, table, to } from "../parts.js";

const KINDS = {
  vhost: { title: "Virtual host limits", where: "vhost-limits", of: "Virtual host", names: ["max-connections", "max-queues"] },
  user: { title: "User limits", where: "user-limits", of: "User", names: ["max-connections", "max-channels"] },
};

export function limitsView(page) {
  return {
    title: "Limits",
    load: (signal) => getAll({ vhost: "vhost-limits", user: ["user-limits", []], users: ["users", null] }, signal),
    render: (data) => [
      h("p.intro", "0 allows nothing; a negative number sets no bound."),
      Object.entries(KINDS).map(([by, kind]) => h("div", { key: by }, section(kind.title,
        list(page, by, kind, data[by]), add(page, by, kind, data.users))))],
  };
}

function list(page, by, kind, limits) {
  const rows = limits.flatMap((item) => Object.entries(item.value).map(([name, value]) => ({ of: item[by], name, value })));
  return table(kind.title, [kind.of, "Limit", "#Value", ""], rows.map(({ of, name, value }) => row(`${of} ${name}`,
    cell(link(to(`${by}s`, of), of)), cell(name), numberCell(count(value)),
    cell(quiet("Clear…", `Clear ${name} of ${of}`, () => clear(page, kind, of, name))))), "No limit is set.");
}

function add(page, by, kind, users) {
  const who = by === "vhost" ? vhostChoice(page) : users ? choice("User", "user", users.map((user) => user.name))
    : field("User", "user", { required: true });
  return form({
    submit: "Set limit",
    fields: [who, choice("Limit", "name", kind.names), field("Value", "value", { type: "number", required: true })],
    does: async (values) => {
      await put(path(kind.where, values[by], values.name), { value: Number(values.value) });
      await page.done(`${values.name} of ${values[by]} is ${values.value}`);
    },
  });
}

function clear(page, kind, of, name) {
  page.ask({
    title: `Clear ${name} of ${of}?`, does: "Clear limit", text: "Then nothing bounds it.",
    act: () => remove(path(kind.where, of, name)), done: `${name} of ${of} is cleared`,
  });
}
