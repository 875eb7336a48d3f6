// Describe what should be there with h(), and patch() changes the document to it.  Nodes that stay
// keep their focus, scroll position, selection and what is typed into them.

const SVG = "http://www.w3.org/2000/svg";
const HTML = "http://www.w3.org/1999/xhtml";
const AS_PROPERTY = new Set(["value", "checked", "selected", "indeterminate"]);

// What a broker sends is none.
class Description {}

/**
 * A description of an element: h("p.muted", { id: "x" }, "text", …), the properties may be left out.
 * `key` among them tells it from its siblings.
 */
export function h(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  const isGiven = rest[0] && typeof rest[0] === "object" && !Array.isArray(rest[0]) && !isOurs(rest[0]);
  const props = isGiven ? { ...rest.shift() } : {};
  if (classes.length) props.class = classes.join(" ");
  if (tag === "button" && props.onclick) props.type = "button"; // else it would send its form
  return Object.assign(new Description(), { tag, props, kids: flat(rest, []) });
}

const isOurs = (kid) => kid instanceof Description;

function flat(kids, into) {
  for (const kid of kids) {
    if (Array.isArray(kid)) flat(kid, into);
    else if (kid !== null && kid !== undefined && kid !== false && kid !== true && kid !== "") {
      into.push(isOurs(kid) ? kid : typeof kid === "object" ? JSON.stringify(kid) : String(kid));
    }
  }
  return into;
}

/** Make the children of `parent` what `wanted` describes, with as few changes as possible. */
export function patch(parent, wanted) {
  const active = document.activeElement;
  children(parent, flat([wanted], []));
  // A row that moved in its table was taken out and put back, which takes the focus away.
  if (active && active !== document.activeElement && active.isConnected) {
    active.focus({ preventScroll: true });
  }
}

function children(parent, kids) {
  const wantedKeys = new Set();
  for (const kid of kids) if (kid.props && kid.props.key !== undefined) wantedKeys.add(kid.props.key);
  const byKey = new Map();
  for (const node of parent.childNodes) {
    if (node.leveret && node.leveret.props.key !== undefined) {
      byKey.set(node.leveret.props.key, node);
    }
  }
  let at = parent.firstChild;
  for (const kid of kids) {
    while (at && isGone(at, wantedKeys)) at = drop(at);
    const node = reusable(at, kid, byKey);
    if (node) update(node, kid);
    if (node && node === at) at = at.nextSibling;
    else parent.insertBefore(node || create(kid, parent), at);
  }
  while (at) at = drop(at);
}

function isGone(node, wantedKeys) {
  const key = node.leveret && node.leveret.props.key;
  return key !== undefined && !wantedKeys.has(key);
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function reusable(at, kid, byKey) {
  if (typeof kid === "string") return at && at.nodeType === Node.TEXT_NODE ? at : null;
  if (kid.props.key !== undefined) {
    const node = byKey.get(kid.props.key);
    return node && node.leveret.tag === kid.tag ? node : null;
  }
  const fits = at && at.leveret && at.leveret.tag === kid.tag && at.leveret.props.key === undefined;
  return fits ? at : null;
}

function create(kid, parent) {
  if (typeof kid === "string") return document.createTextNode(kid);
  const inSvg = parent.namespaceURI === SVG && parent.localName !== "foreignObject";
  const node = document.createElementNS(kid.tag === "svg" || inSvg ? SVG : HTML, kid.tag);
  node.leveret = { tag: kid.tag, props: {} };
  update(node, kid);
  return node;
}

function update(node, kid) {
  if (typeof kid === "string") {
    if (node.data !== kid) node.data = kid;
    return;
  }
  const before = node.leveret.props;
  const late = [];
  for (const name in before) if (!(name in kid.props)) set(node, name, null, before[name]);
  for (const name in kid.props) {
    if (AS_PROPERTY.has(name)) late.push(name);
    else set(node, name, kid.props[name], before[name]);
  }
  if (!kid.tag.includes("-")) children(node, kid.kids); // custom elements fill themselves
  // Values come last: a <select> can only be set to an option that is there.  What the user typed
  // or chose since stays, unless the description itself changed.
  for (const name of late) {
    const isTypedIn = name === "value" && node === document.activeElement && kid.tag !== "select";
    if (kid.props[name] !== before[name] && !isTypedIn) assign(node, name, kid.props[name]);
  }
  node.leveret = kid;
}

// Also as what a form goes back to when it is reset.
function assign(node, name, value) {
  if (name === "checked") node.defaultChecked = value;
  else if ("defaultValue" in node) node.defaultValue = value;
  for (const option of node.options || []) option.defaultSelected = option.value === String(value);
  node[name] = value;
}

function set(node, name, value, before) {
  if (name === "key") return;
  if (name.startsWith("on")) listen(node, name.slice(2), value);
  else if (name.startsWith(".")) {
    if (value !== before) node[name.slice(1)] = value;
  } else if (name === "style") {
    for (const [key, text] of Object.entries(value || {})) node.style.setProperty(key, text);
  } else if (value === before) return;
  else if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
}

function listen(node, type, handler) {
  node.leveretOn ||= {};
  if (!(type in node.leveretOn)) node.addEventListener(type, heard);
  node.leveretOn[type] = handler;
}

function heard(event) {
  const handler = this.leveretOn[event.type];
  if (handler) handler.call(this, event);
}
