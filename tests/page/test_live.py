"""The page's clients of MQTT and STOMP, in a browser: what is sent by one comes by the other."""

import threading
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from tests.page.conftest import PATIENCE_MS, Tab, watched

import leveret

expect: Any = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright (in the dev group)"
).expect
expect.set_options(timeout=PATIENCE_MS)

pytestmark = pytest.mark.timeout(600)
MESSAGES = 1000


def form(page: Any, name: str, protocol: str, to: str) -> Any:
    """A form of the page, filled in but not sent."""
    found = page.get_by_role("form", name=name, exact=True)
    found.get_by_role("combobox", name="Protocol").select_option(protocol)
    found.get_by_role("textbox", name="Topic or destination").fill(to)
    return found


def subscribe(page: Any, protocol: str, to: str) -> None:
    form(page, "Subscribe", protocol, to).get_by_role("button", name="Subscribe").click()
    expect(page.get_by_text(f"Subscribed to {to}")).to_be_visible()


def publish(page: Any, protocol: str, to: str, payload: str, times: int = 1) -> None:
    found = form(page, "Publish", protocol, to)
    found.get_by_role("textbox", name="Payload").fill(payload)
    found.get_by_role("spinbutton", name="How often").fill(str(times))
    found.get_by_role("button", name="Publish").click()


class Listener:
    """pika, which takes what comes to a queue of its own at amq.topic, in a thread."""

    def __init__(self, url: str, key: str, count: int) -> None:
        self.got: list[bytes] = []
        self.is_ready = threading.Event()
        self._url, self._key, self._count = url, key, count
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()
        assert self.is_ready.wait(60)

    def _listen(self) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(self._url))
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, "amq.topic", self._key)
        self.is_ready.set()
        for _, _, body in channel.consume(queue, auto_ack=True, inactivity_timeout=60):
            if body is None:
                break
            self.got.append(body)
            if len(self.got) == self._count:
                break
        connection.close()


def test_what_a_browser_sends_by_stomp_comes_by_mqtt_and_amqp_without_loss(
    tab: Tab, managed: leveret.Broker
) -> None:
    page = tab.login()
    tab.show("#/live")
    subscribe(page, "MQTT", "shop/#")
    listener = Listener(managed.url, "shop.*", MESSAGES)
    publish(page, "STOMP", "/topic/shop.orders", "order #", MESSAGES)
    expect(page.get_by_text(f"The broker has all {MESSAGES:,} messages")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Received: {MESSAGES:,}")).to_be_visible()
    listener.thread.join(60)
    assert listener.got == [b"order %d" % number for number in range(1, MESSAGES + 1)]
    rows = page.get_by_role("region", name="Received").locator("tbody tr")
    expect(rows).to_have_count(100)
    expect(rows.first).to_contain_text("MQTT")
    expect(rows.first).to_contain_text("shop/orders")
    expect(rows.first).to_contain_text(f"order {MESSAGES}")


def test_what_a_browser_sends_by_mqtt_comes_by_stomp(tab: Tab) -> None:
    page = tab.login()
    tab.show("#/live")
    subscribe(page, "STOMP", "/topic/a.*")
    text = "grüße: ✓ \\ <b>not bold</b>"
    publish(page, "MQTT", "a/b", text)
    rows = page.get_by_role("region", name="Received").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("/topic/a.b")
    expect(rows.first).to_contain_text(text)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("heading", name="Received: 0")).to_be_visible()


def test_the_connections_are_in_the_list_and_end_with_the_view(
    tab: Tab, managed: leveret.Broker
) -> None:
    page = tab.login()
    tab.show("#/live")
    subscribe(page, "STOMP", "/topic/a")
    subscribe(page, "MQTT", "a")
    protocols = managed.call(
        lambda node: sorted(link.protocol for link in node.connections.by_id.values())
    )
    assert protocols == ["Web MQTT 5-0", "Web STOMP 1.2"]
    tab.show("#/connections")
    expect(page.get_by_text("Nobody is connected.")).to_be_visible()


def test_a_refusal_is_told_where_it_was_asked(tab: Tab) -> None:
    page = tab.login()
    tab.show("#/live")
    found = form(page, "Subscribe", "STOMP", "/nowhere/x")
    found.get_by_role("button", name="Subscribe").click()
    expect(found.get_by_role("alert")).to_contain_text("The broker refused: ")
    found = form(page, "Subscribe", "MQTT", "a/#/b")
    found.get_by_role("button", name="Subscribe").click()
    expect(found.get_by_role("alert")).to_contain_text("The broker ")


@pytest.fixture
def closed_tab(browser: Any) -> Iterator[Tab]:
    settings = {"management_websockets": False}
    with leveret.Broker(management=True, settings=settings) as broker:
        tab = Tab(browser, broker.management_url)
        yield tab
        tab.context.close()


def test_where_there_are_no_websockets_that_is_said(closed_tab: Tab) -> None:
    page = closed_tab.login()
    closed_tab.show("#/live")
    found = form(page, "Subscribe", "MQTT", "a")
    found.get_by_role("button", name="Subscribe").click()
    expect(found.get_by_role("alert")).to_contain_text("opens no WebSocket at /ws/mqtt")


def test_below_a_prefix_they_are_below_the_prefix(browser: Any) -> None:
    settings = {"management_path_prefix": "/mq"}
    with leveret.Broker(management=True, settings=settings) as broker:
        for tab in watched(Tab(browser, f"{broker.management_url}/mq")):
            page = tab.login()
            tab.show("#/live")
            subscribe(page, "MQTT", "a")
            publish(page, "STOMP", "/topic/a", "below")
            expect(page.get_by_role("region", name="Received")).to_contain_text("below")


def test_a_device_is_shown_by_its_id_and_its_consumer_by_its_connection(
    tab: Tab, managed: leveret.Broker
) -> None:
    page = tab.login()
    tab.show("#/live")
    other = tab.context.new_page()
    other.goto(f"{tab.url}/")
    other.get_by_label("User").fill("guest")
    other.get_by_label("Password").fill("guest")
    other.get_by_role("button", name="Log in").click()
    subscribe(page, "MQTT", "a")
    other.get_by_role("link", name="Connections", exact=True).click()
    name = managed.call(lambda node: next(iter(node.connections.by_id.values())).name)
    row = other.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("leveret-page-")
    other.get_by_role("link", name="Consumers", exact=True).click()
    other.get_by_role("link", name=name).click()
    expect(other.get_by_role("heading", name=f"Connection {name}")).to_be_visible()
    expect(other.get_by_text("Web MQTT 5-0")).to_be_visible()
    expect(other.get_by_text("Largest frame")).to_have_count(0)
