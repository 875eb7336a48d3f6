// Users, and one of them with rights and limits.

import { get, getOr, path, put, remove, segment } from "../api.js";
import { confirm } from "../dialog.js";
import { h } from "../dom.js";
import { choice, field, form, panel, vhostChoice } from "../forms.js";
import { listing } from "../listing.js";
import { badge, cell, facts, link, row, section, table, to } from "../parts.js";

const TAGS = ["management", "policymaker", "monitoring", "administrator"];
export const tagsOf = (user) => (Array.isArray(user.tags) ? user.tags : (user.tags || "").split(",").filter(Boolean));
const tagBadges = (user) => h("span", { class: "badges" }, tagsOf(user).map((tag) => badge(tag)));

const splitTags = (text) => text.split(",").map((tag) => tag.trim()).filter(Boolean).join(",");

const tagField = (tags = "") => [
  field("Tags", "tags", { value: tags, list: "user-tags", hint: `separated by commas: ${TAGS.join(", ")}` }),
  h("datalist", { id: "user-tags" }, TAGS.map((tag) => h("option", { value: tag }))),
];

export function usersView(page) {
  return listing(page, {
    title: "Users", key: "users", sort: "name", path: () => "users", rowKey: (user) => user.name,
    empty: () => "There is no user.",
    below: add,
    columns: [
      { id: "name", label: "Name", sort: "name", cell: (user) => link(to("users", user.name), user.name) },
      { id: "tags", label: "Tags", cell: tagBadges },
      { id: "password", label: "Password", cell: (user) => (user.password_hash ? "set" : "none: cannot log in by one") },
      { id: "limits", label: "Limits", off: true, cell: (user) => JSON.stringify(user.limits || {}) },
    ],
  });
}

function add(page) {
  return panel("Add a user", form({
    key: "add-user", label: "Add a user", submit: "Add user",
    fields: [field("Name", "name", { required: true, autocapitalize: "none" }), ...passwordFields(), ...tagField()],
    does: async (values) => {
      await put(path("users", values.name), body(values));
      await page.act(Promise.resolve(), `User ${values.name} is added. Give rights in a virtual host next.`);
    },
  }));
}

const passwordFields = () => [
  field("Password", "password", { type: "password", autocomplete: "new-password" }),
  field("or password hash", "password_hash", { hint: "as in definitions" }),
];

function body({ password, password_hash: hash, tags }) {
  const secret = hash ? { password_hash: hash } : password ? { password } : { password_hash: "" };
  return { ...secret, tags: splitTags(tags) };
}

export function userView(page, name) {
  const here = path("users", name);
  return {
    title: `User ${name}`, up: "#/users", upTitle: "Users",
    load: async (signal) => {
      const [user, permissions, topics, limits] = await Promise.all([
        get(here, signal), get(`${here}/permissions`, signal), get(`${here}/topic-permissions`, signal),
        getOr([], `user-limits/${segment(name)}`, signal)]);
      return { user, permissions, topics, limits };
    },
    render: ({ user, permissions, topics, limits }) => [
      h("h1", {}, `User ${name}`),
      facts([["Tags", tagBadges(user)], ["Password", user.password_hash ? "set" : "none"],
        ["Limits", Object.entries(limits[0]?.value || user.limits || {}).map(([key, value]) => `${key} ${value}`).join(", ") || "none"]]),
      permissionSection(page, permissions, "vhost", { user: name }),
      topicSection(page, topics, "vhost", { user: name }),
      section("Change", change(page, user)),
      section("Delete", h("button", { type: "button", class: "danger", onclick: () => drop(page, name) },
        "Delete this user…")),
    ],
  };
}

function change(page, user) {
  return form({
    key: "change", label: "Change this user", submit: "Change user",
    fields: [...passwordFields(), ...tagField(tagsOf(user).join(", "))],
    does: async (values) => {
      const kept = !values.password && !values.password_hash;
      const secret = kept ? { password_hash: user.password_hash, hashing_algorithm: user.hashing_algorithm } : {};
      await put(path("users", user.name), { ...body(values), ...secret });
      await page.act(Promise.resolve(), kept ? `Tags of ${user.name} are changed` : `Password of ${user.name} is changed`);
    },
  });
}

async function drop(page, name) {
  const agreed = await confirm({
    title: `Delete the user ${name}?`, does: "Delete user", text: "All rights of the user go too.",
  });
  if (agreed === null) return;
  if (await page.act(remove(path("users", name)), `User ${name} is deleted`)) page.go("#/users");
}

const other = (by) => (by === "vhost" ? "Virtual host" : "User");
const owner = (by, item) => (by === "vhost" ? link(to("vhosts", item.vhost), item.vhost)
  : link(to("users", item.user), item.user));

function otherChoice(page, by, users) {
  if (by === "vhost") return vhostChoice(page);
  return users ? choice("User", "user", users) : field("User", "user", { required: true });
}

/** Permissions by `by` ("vhost" on a user's page, "user" on a virtual host's); `fixed` is the other. */
export function permissionSection(page, list, by, fixed, users) {
  const heads = [other(by), "Configure", "Write", "Read", ""];
  return section("Permissions",
    table("Permissions", heads, list.map((item) => row(item[by], cell(owner(by, item)),
      ...["configure", "write", "read"].map((kind) => cell(h("code", {}, item[kind] || "(nothing)"))),
      cell(h("button", { type: "button", class: "quiet", "aria-label": `Clear permissions of ${item.user} in ${item.vhost}`,
        onclick: () => clear(page, path("permissions", item.vhost, item.user), item) }, "Clear…")))),
    by === "vhost" ? "No rights anywhere: this user cannot connect." : "Nobody may enter this virtual host."),
    form({
      key: "permit", label: "Set permissions", submit: "Set permissions",
      fields: [otherChoice(page, by, users), ...["configure", "write", "read"].map((kind) =>
        field(kind[0].toUpperCase() + kind.slice(1), kind, { value: ".*", hint: "regular expression" }))],
      does: async (values) => {
        const { vhost, user, ...rights } = { ...values, ...fixed };
        await put(path("permissions", vhost, user), rights);
        await page.act(Promise.resolve(), `Permissions of ${user} in ${vhost} are set`);
      },
    }));
}

export function topicSection(page, list, by, fixed, users) {
  const heads = [other(by), "Exchange", "Write", "Read", ""];
  return section("Topic permissions",
    table("Topic permissions", heads, list.map((item) => row(`${item[by]} ${item.exchange}`, cell(owner(by, item)),
      cell(item.exchange), ...["write", "read"].map((kind) => cell(h("code", {}, item[kind] || "(nothing)"))),
      cell(h("button", { type: "button", class: "quiet",
        "aria-label": `Clear topic permissions of ${item.user} in ${item.vhost} on ${item.exchange}`,
        onclick: () => clear(page, path("topic-permissions", item.vhost, item.user, item.exchange), item) }, "Clear…")))),
    "None: routing keys are not looked at."),
    form({
      key: "permit-topic", label: "Set topic permissions", submit: "Set topic permissions",
      fields: [otherChoice(page, by, users), field("Exchange", "exchange", { required: true }),
        ...["write", "read"].map((kind) => field(kind[0].toUpperCase() + kind.slice(1), kind,
          { value: ".*", hint: "regular expression for routing keys" }))],
      does: async (values) => {
        const { vhost, user, ...rights } = { ...values, ...fixed };
        await put(path("topic-permissions", vhost, user), rights);
        await page.act(Promise.resolve(), `Topic permissions of ${user} in ${vhost} are set`);
      },
    }));
}

async function clear(page, where, { user, vhost }) {
  const agreed = await confirm({
    title: `Clear the permissions of ${user} in ${vhost}?`, does: "Clear permissions",
    text: "What the user has open stays open; new requests are refused.",
  });
  if (agreed === null) return;
  await page.act(remove(where), `Permissions of ${user} in ${vhost} are cleared`);
}
