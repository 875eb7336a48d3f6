// What holds for all of the cluster: its name, global parameters, feature flags.

import { get, getOr, path, put, remove } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { plain } from "../format.js";
import { area, field, form, json, panel } from "../forms.js";
import { badge, cell, row, section, table } from "../parts.js";

export function clusterView(page) {
  return {
    title: "Cluster",
    load: async (signal) => {
      const [name, parameters, flags, deprecated] = await Promise.all([
        get("cluster-name", signal), getOr([], "global-parameters", signal), getOr([], "feature-flags", signal),
        getOr([], "deprecated-features", signal)]);
      return { name: name.name, parameters, flags, deprecated };
    },
    render: ({ name, parameters, flags, deprecated }) => [
      h("h1", {}, "Cluster"),
      section("Name", page.has("administrator") ? rename(page, name) : h("p", {}, name)),
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
    key: "rename", label: "Cluster name", submit: "Change name", keeps: true,
    fields: [field("Cluster name", "name", { value: name, required: true })],
    does: async (values) => {
      await put("cluster-name", { name: values.name });
      page.about.cluster_name = values.name;
      await page.act(Promise.resolve(), `The cluster is called ${values.name}`);
    },
  });
}

function parameterTable(page, parameters) {
  return table("Global parameters", ["Name", "Value", ""], parameters.map((it) => row(it.name, cell(it.name),
    cell(h("code", {}, plain(it.value))), cell(page.has("administrator") && h("button", {
      type: "button", class: "quiet", "aria-label": `Delete ${it.name}`, onclick: () => drop(page, it) }, "Delete…")))),
  "No global parameter is set.");
}

function setParameter(page) {
  return panel("Set a global parameter", form({
    key: "set", label: "Set a global parameter", submit: "Set parameter",
    fields: [field("Name", "name", { required: true }), area("Value (JSON)", "value", { required: true, rows: 3 })],
    does: async ({ name, value }) => {
      await put(path("global-parameters", name), { name, value: json(value, "The value") });
      await page.act(Promise.resolve(), `${name} is set`);
    },
  }));
}

async function drop(page, { name }) {
  const agreed = await confirm({ title: `Delete the global parameter ${name}?`, does: "Delete parameter" });
  if (agreed === null) return;
  await page.act(remove(path("global-parameters", name)), `${name} is deleted`);
}

function flagTable(page, flags) {
  return table("Feature flags", ["Name", "State", "Stability", "About"], flags.map((flag) => row(flag.name,
    cell(flag.name), cell(flag.state === "enabled" ? badge("enabled", "good")
      : [badge(flag.state, "warn"), page.has("administrator") && h("button", {
        type: "button", class: "quiet", "aria-label": `Enable ${flag.name}`,
        onclick: () => page.act(put(path("feature-flags", flag.name, "enable"), { name: flag.name }), `${flag.name} is enabled`),
      }, "Enable")]),
    cell(flag.stability), cell(plain(flag.desc)))), "The broker has no feature flags.");
}
