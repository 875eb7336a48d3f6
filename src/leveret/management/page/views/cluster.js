// What holds for all of the cluster: its name, global parameters, feature flags.

import { getAll, path, put, remove } from "../api.js";
import { h } from "../dom.js";
import { plain } from "../format.js";
import { area, field, form, json, panel } from "../forms.js";
import { badge, cell, codeCell, quiet, row, section, table } from "../parts.js";

export function clusterView(page) {
  return {
    title: "Cluster",
    load: (signal) => getAll({
      cluster: "cluster-name", parameters: ["global-parameters", []], flags: ["feature-flags", []],
      deprecated: ["deprecated-features", []],
    }, signal),
    render: ({ cluster: { name }, parameters, flags, deprecated }) => [
      section("Name", page.has("administrator") ? rename(page, name) : h("p", [name])),
      section("Global parameters", parameterTable(page, parameters), page.has("administrator") && setParameter(page)),
      section("Feature flags", flagTable(page, flags)),
      deprecated.length > 0 && section("Deprecated features", table("Deprecated features", ["Name", "Phase", "State", "About"],
        deprecated.map((it) => row(it.name, cell(it.name), cell(plain(it.deprecation_phase)), cell(plain(it.state)),
          cell(plain(it.desc || it.description)))), "")),
    ],
  };
}

function rename(page, name) {
  return form({
    submit: "Change name", keeps: true,
    fields: [field("Cluster name", "name", { value: name, required: true })],
    does: async (values) => {
      await put("cluster-name", { name: values.name });
      page.about.cluster_name = values.name;
      await page.done(`The cluster is called ${values.name}`);
    },
  });
}

function parameterTable(page, parameters) {
  return table("Global parameters", ["Name", "Value", ""], parameters.map((it) => row(it.name, cell(it.name),
    codeCell(plain(it.value)), cell(page.has("administrator") && quiet("Delete…", `Delete ${it.name}`, () => drop(page, it))))),
  "No global parameter is set.");
}

function setParameter(page) {
  return panel("Set a global parameter", form({
    submit: "Set parameter",
    fields: [field("Name", "name", { required: true }), area("Value (JSON)", "value", { required: true, rows: 3 })],
    does: async ({ name, value }) => {
      await put(path("global-parameters", name), { name, value: json(value, "The value") });
      await page.done(`${name} is set`);
    },
  }));
}

function drop(page, { name }) {
  page.ask({
    title: `Delete the global parameter ${name}?`, does: "Delete parameter",
    act: () => remove(path("global-parameters", name)), done: `${name} is deleted`,
  });
}

function flagTable(page, flags) {
  return table("Feature flags", ["Name", "State", "Stability", "About"], flags.map((flag) => row(flag.name,
    cell(flag.name), cell(flag.state === "enabled" ? badge("enabled", "good")
      : [badge(flag.state, "warn"), page.has("administrator") && quiet("Enable", `Enable ${flag.name}`, () =>
        page.act(put(path("feature-flags", flag.name, "enable"), { name: flag.name }), `${flag.name} is enabled`))]),
    cell(flag.stability), cell(plain(flag.desc)))), "The broker has no feature flags.");
}
