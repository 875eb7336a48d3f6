// Users, and one of them with rights and limits.

import { getAll, path, put, remove, segment } from "../api.js";
import { h } from "../dom.js";
import { choice, field, form, panel, vhostChoice } from "../forms.js";
import { listing } from "../listing.js";
import { badge, cell, codeCell, danger, facts, quiet, row, section, table, userLink, vhostLink } from
  "../parts.js";

const TAGS = ["management", "policymaker", "monitoring", "administrator"];
export const tagsOf = (user) => (Array.isArray(user.tags) ? user.tags : (user.tags || "").split(",").filter(Boolean));
const tagBadges = (user) => h("span.badges", tagsOf(user).map((tag) => badge(tag)));

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
      { id: "name", label: "Name", sort: "name", cell: (user) => userLink(user.name) },
      { id: "tags", label: "Tags", cell: tagBadges },
      { id: "password", label: "Password", cell: (user) => (user.password_hash ? "set" : "none: cannot log in by one") },
      { id: "limits", label: "Limits", off: true, cell: (user) => JSON.stringify(user.limits || {}) },
    ],
  });
}

function add(page) {
  return panel("Add a user", form({
    submit: "Add user",
    fields: [field("Name", "name", { required: true, autocapitalize: "none" }), ...passwordFields(), ...tagField()],
    does: async (values) => {
      await put(path("users", values.name), body(values));
      await page.done(`User ${values.name} is added. Give rights in a virtual host next.`);
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
    load: (signal) => getAll({
      user: here, permissions: `${here}/permissions`, topics: `${here}/topic-permissions`,
      limits: [`user-limits/${segment(name)}`, []],
    }, signal),
    render: ({ user, permissions, topics, limits }) => [
      facts([["Tags", tagBadges(user)], ["Password", user.password_hash ? "set" : "none"],
        ["Limits", Object.entries(limits[0]?.value || user.limits || {}).map(([key, value]) => `${key} ${value}`).join(", ") || "none"]]),
      rights(page, "permissions", permissions, "vhost", { user: name }),
      rights(page, "topic-permissions", topics, "vhost", { user: name }),
      section("Change", change(page, user)),
      section("Delete", danger("Delete this user…", () => drop(page, name))),
    ],
  };
}

function change(page, user) {
  return form({
    submit: "Change user",
    fields: [...passwordFields(), ...tagField(tagsOf(user).join(", "))],
    does: async (values) => {
      const kept = !values.password && !values.password_hash;
      const secret = kept ? { password_hash: user.password_hash, hashing_algorithm: user.hashing_algorithm } : {};
      await put(path("users", user.name), { ...body(values), ...secret });
      await page.done(kept ? `Tags of ${user.name} are changed` : `Password of ${user.name} is changed`);
    },
  });
}

function drop(page, name) {
  page.ask({
    title: `Delete the user ${name}?`, does: "Delete user", text: "All rights of the user go too.",
    act: () => remove(path("users", name)), done: `User ${name} is deleted`, go: "#/users",
  });
}

const other = (by) => (by === "vhost" ? "Virtual host" : "User");
const owner = (by, item) => (by === "vhost" ? vhostLink(item.vhost)
  : userLink(item.user));

function otherChoice(page, by, users) {
  if (by === "vhost") return vhostChoice(page);
  return users ? choice("User", "user", users.map((user) => user.name)) : field("User", "user", { required: true });
}

const KINDS = {
  permissions: {
    title: "Permissions", of: ["configure", "write", "read"], hint: "regular expression",
    none: { vhost: "No rights anywhere: this user cannot connect.", user: "Nobody may enter this virtual host." },
  },
  "topic-permissions": {
    title: "Topic permissions", of: ["write", "read"], hint: "regex for routing keys",
    none: { vhost: "None: routing keys are not looked at.", user: "None: routing keys are not looked at." },
  },
};
const capital = (word) => word[0].toUpperCase() + word.slice(1);

/** Rights of `kind` by `by` ("vhost" on a user's page, "user" on a virtual host's); `fixed` is the other. */
export function rights(page, kind, list, by, fixed, users) {
  const { title, of, hint, none } = KINDS[kind];
  const hasTopics = kind === "topic-permissions";
  const heads = [other(by), hasTopics && "Exchange", ...of.map(capital), ""].filter((head) => head !== false);
  return section(title,
    table(title, heads, list.map((item) => row(`${item[by]} ${item.exchange}`, cell(owner(by, item)),
      hasTopics && cell(item.exchange), of.map((one) => codeCell(item[one], "(nothing)")),
      cell(quiet("Clear…", `Clear ${title.toLowerCase()} of ${item.user} in ${item.vhost}`,
        () => clear(page, kind, item))))), none[by]),
    form({
      submit: `Set ${title.toLowerCase()}`,
      fields: [otherChoice(page, by, users), hasTopics && field("Exchange", "exchange", { required: true }),
        of.map((one) => field(capital(one), one, { value: ".*", hint }))],
      does: async (values) => {
        const { vhost, user, ...given } = { ...values, ...fixed };
        await put(path(kind, vhost, user), given);
        await page.done(`${title} of ${user} in ${vhost} are set`);
      },
    }));
}

function clear(page, kind, { user, vhost, exchange }) {
  const title = KINDS[kind].title.toLowerCase();
  page.ask({
    title: `Clear the ${title} of ${user} in ${vhost}?`, does: `Clear ${title}`,
    text: "What the user has open stays open; new requests are refused.",
    act: () => remove(path(kind, vhost, user, ...(exchange ? [exchange] : []))),
    done: `The ${title} of ${user} in ${vhost} are cleared`,
  });
}
