"""Every view of the page, dark, light and on a phone: readable, labelled, no wider than it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pika
import pytest
from tests.management.client import Client
from tests.page.conftest import Tab, watched

import leveret

VIEWS = (
    "#/",
    "#/nodes/NODE",
    "#/connections",
    "#/connections/CONNECTION",
    "#/channels",
    "#/channels/CHANNEL",
    "#/consumers",
    "#/exchanges",
    "#/exchanges/%2F/shop",
    "#/exchanges/%2F/amq.default",
    "#/queues",
    "#/queues/%2F/orders",
    "#/queues/%2F/orders?tab=messages&state=unacked&message=0",
    "#/queues/%2F/orders?tab=messages&message=1",
    "#/queues/%2F/orders?tab=bindings",
    "#/queues/%2F/orders?tab=publish",
    "#/queues/%2F/orders?tab=manage",
    "#/users",
    "#/users/guest",
    "#/vhosts",
    "#/vhosts/%2F",
    "#/policies",
    "#/limits",
    "#/cluster",
    "#/nowhere",
)
# Gives sentences about what somebody who sees little, or nothing, would stumble over.
INSPECT = """() => {
  const found = [];
  const say = (what, node) => found.push(`${what}: ${node.outerHTML.slice(0, 150)}`);
  const shown = (node) => node.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true });
  const channels = (text) => text.match(/[\\d.]+/g).map(Number);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const contrast = (node, colour) => {
    const [a, b] = [light(rgba(colour)), light(ground(node))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  for (const node of document.querySelectorAll("body *")) {
    const words = [...node.childNodes].some((kid) => kid.nodeType === 3 && kid.data.trim());
    if (!words || !shown(node) || node.closest(".skip")) continue;
    const style = getComputedStyle(node);
    const ratio = contrast(node, node.closest("svg") ? style.fill : style.color);
    if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)}`, node);
  }
  const name = (node) => (node.getAttribute("aria-label") || node.textContent.trim()
    || [...(node.labels || [])].map((label) => label.textContent.trim()).join(""));
  const used = "a, button, input, select, textarea, [role=region]";
  for (const node of document.querySelectorAll(used)) if (!name(node)) say("no name", node);
  for (const node of document.querySelectorAll("svg[role=img], meter, nav, main form")) {
    if (!node.getAttribute("aria-label")) say("no label", node);
  }
  for (const node of document.querySelectorAll("table")) {
    if (!node.querySelector("th[scope=col]")) say("no column headers", node);
  }
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} twice`);
  let level = 0;
  for (const node of document.querySelectorAll("h1, h2, h3, h4")) {
    const here = Number(node.localName[1]);
    if (here > level + 1 && here !== 4) say(`heading ${here} after ${level}`, node);
    level = here;
  }
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  const odd = document.body.innerText.match(/.*(undefined|NaN|\\[object).*/);
  if (odd) found.push(`a value that is none: ${odd[0]}`);
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) {
    const far = [...document.querySelectorAll("body *")].filter((node) =>
      !node.closest(".scroll, .menu, .skip")
      && node.getBoundingClientRect().right > wide.clientWidth + 1);
    say("wider than the screen", far[0] || document.body);
  }
  return found;
}"""
LOOKS = {
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 740}},
}

# A browser takes its time on a machine that has other things to do.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def busy(managed: leveret.Broker) -> Iterator[dict[str, str]]:
    """A broker where something of everything is; gives the names that are never the same."""
    connection = pika.BlockingConnection(pika.URLParameters(managed.url))
    channel = connection.channel()
    channel.exchange_declare("shop", "topic", durable=True)
    channel.queue_declare("orders", durable=True, arguments={"x-message-ttl": 3_600_000})
    channel.queue_bind("orders", "shop", "orders.#")
    channel.basic_qos(prefetch_count=1)
    got: list[bytes] = []
    channel.basic_consume("orders", lambda *facts: got.append(facts[3]))
    for body in (b'{"id": 1}', b"a word " * 200, b"\x00\xff"):
        channel.basic_publish("shop", "orders.new", body, pika.BasicProperties(headers={"a": 1}))
    while not got:
        connection.process_data_events(0.1)
    managed.call(lambda node: node.users.add("nobody", "", []))
    # Statistics may come a moment after what they tell of.
    client = Client(managed.management_url)
    while not (channels := client.get("/api/channels")):
        connection.process_data_events(0.1)
    yield {
        "NODE": client.get("/api/overview")["node"],
        "CONNECTION": channels[0]["connection_details"]["name"],
        "CHANNEL": channels[0]["name"],
    }
    connection.close()


@pytest.fixture(params=sorted(LOOKS))
def look(request: pytest.FixtureRequest, browser: Any, managed: leveret.Broker) -> Iterator[Tab]:
    """A tab for each look."""
    yield from watched(Tab(browser, managed.management_url, **LOOKS[request.param]))


def test_every_view_is_readable_labelled_and_fits(look: Tab, busy: dict[str, str]) -> None:
    page = look.login()
    found = []
    for view in VIEWS:
        place = view
        for word, name in busy.items():
            place = place.replace(word, quote(name, safe=""))
        look.show(place)
        page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true })")
        found += [f"{view}: {complaint}" for complaint in page.evaluate(INSPECT)]
        missing = page.locator("[role=alert]:not(:empty)").all_inner_texts()
        found += [f"{view}: {fault}" for fault in missing]
    assert found == []


def test_the_login_and_the_dialogs_are_readable_too(look: Tab, busy: dict[str, str]) -> None:
    page = look.page
    page.goto(f"{look.url}/")
    page.get_by_label("Password").wait_for()
    assert page.evaluate(INSPECT) == []
    look.login()
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    assert [one for one in page.evaluate(INSPECT) if "heading" not in one] == []
