#!/usr/bin/env python3
"""Take the pictures of docs/pictures anew: each page of a broker at work, in headless Chromium.

Run it after changing how the page looks: ``PYTHONPATH=src:. python tools/pictures.py [name …]``.
It needs Chromium, playwright and pika, and a minute, so that the charts have something to show.
"""

import json
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pika
from playwright.sync_api import sync_playwright

import leveret

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
MOST_OCTETS = 150_000
WARM_UP_S = 65
DESK = {"width": 1200, "height": 780}
LOW = {"width": 1200, "height": 660}
PHONE = {"width": 380, "height": 780}
LOGIN = {"Authorization": "Basic Z3Vlc3Q6Z3Vlc3Q="}
ORDER = {"id": 4711, "lines": [{"article": "A-17", "count": 2}], "express": True, "total": 38.5}

# name: (address, dark or light, size); CONNECTION is replaced.
PICTURES: dict[str, tuple[str, str, dict[str, int]]] = {
    "login": ("", "light", DESK),
    "overview": ("#/", "light", DESK),
    "overview-dark": ("#/", "dark", DESK),
    "connections": ("#/connections", "light", DESK),
    "connection": ("#/connections/CONNECTION", "light", DESK),
    "channels": ("#/channels", "light", DESK),
    "exchanges": ("#/exchanges", "light", DESK),
    "exchange": ("#/exchanges/%2F/orders", "light", DESK),
    "queues": ("#/queues", "light", DESK),
    "queue": ("#/queues/%2F/orders.eu", "dark", DESK),
    "messages": ("#/queues/%2F/orders.us?tab=messages&message=1", "light", LOW),
    "held": ("#/queues/%2F/orders.eu?tab=messages&state=unacked&message=0", "dark", LOW),
    "policies": ("#/policies", "light", DESK),
    "users": ("#/users/guest", "light", DESK),
    "vhost": ("#/vhosts/%2F", "light", DESK),
    "cluster": ("#/cluster", "light", DESK),
    "phone-queues": ("#/queues", "light", PHONE),
    "phone-overview": ("#/", "dark", PHONE),
}


class Shop:
    """Something that goes on: orders come in, some are worked on, some wait."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._publish),
            threading.Thread(target=self._work),
        ]
        self._declare()

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _connect(self, name: str) -> Any:
        parameters = pika.URLParameters(self._url)
        parameters.client_properties = {"connection_name": name}
        return pika.BlockingConnection(parameters)

    def _declare(self) -> None:
        connection = self._connect("setup")
        channel = connection.channel()
        channel.exchange_declare("orders", "topic", durable=True)
        channel.exchange_declare("unroutable", "fanout", durable=True)
        for name in ("orders.eu", "orders.us", "invoices", "mail", "audit"):
            channel.queue_declare(name, durable=True, arguments=rules_of(name))
            channel.queue_bind(name, "orders", f"{name}.#")
        channel.queue_bind("audit", "orders", "#")
        for number in range(14):
            channel.queue_declare(f"worker.{number:02}", durable=True)
        connection.close()

    def _publish(self) -> None:
        connection = self._connect("web shop")
        channel = connection.channel()
        channel.confirm_delivery()
        turn = 0
        while not self._is_over.is_set():
            turn += 1
            body = json.dumps({**ORDER, "id": 4711 + turn}).encode()
            properties = pika.BasicProperties(
                content_type="application/json",
                delivery_mode=2,
                message_id=f"order-{4711 + turn}",
                headers={"x-tenant": "north", "attempt": 1},
            )
            for key in ["orders.eu.new"] * (4 + turn % 3) + ["orders.us.new"]:
                channel.basic_publish("orders", key, body, properties)
            connection.process_data_events(0.05)
        connection.close()

    def _work(self) -> None:
        connection = self._connect("billing")
        channel = connection.channel()
        channel.basic_qos(prefetch_count=12)
        held: list[int] = []

        def on_message(channel: Any, method: Any, properties: Any, body: bytes) -> None:
            held.append(method.delivery_tag)
            if len(held) > 8:
                channel.basic_ack(held.pop(0))

        channel.basic_consume("orders.eu", on_message, consumer_tag="billing-1")
        channel.basic_consume("audit", lambda *_: None, consumer_tag="audit-1", auto_ack=True)
        while not self._is_over.is_set():
            connection.process_data_events(0.1)
        connection.close()


def rules_of(name: str) -> dict[str, object]:
    """A queue's arguments: some have limits."""
    return {
        "mail": {"x-message-ttl": 3_600_000, "x-dead-letter-exchange": "unroutable"},
        "invoices": {"x-queue-type": "quorum"},
    }.get(name, {})


def prepare(node: Any) -> None:
    """Users, so that their page is not empty."""
    node.users.add("billing", "secret", ["management"])
    node.users.add("metrics", "secret", ["monitoring"])


def put(url: str, place: str, **facts: object) -> None:
    """Through the API."""
    request = Request(f"{url}/api/{place}", json.dumps(facts).encode(), LOGIN, method="PUT")
    with urlopen(request):
        pass


def set_policies(url: str) -> None:
    """Rules for queues."""
    limits = {"max-length": 100_000, "dead-letter-exchange": "unroutable"}
    rules = {"pattern": "^orders", "apply-to": "queues", "priority": 5, "definition": limits}
    put(url, "policies/%2F/orders", **rules)
    bounds = {"pattern": ".*", "apply-to": "queues", "definition": {"max-length-bytes": 1 << 30}}
    put(url, "operator-policies/%2F/bounds", **bounds)


def take(browser: Any, url: str, name: str, names: dict[str, str]) -> None:
    """One picture."""
    address, scheme, size = PICTURES[name]
    for word, value in names.items():
        address = address.replace(word, quote(value, safe=""))
    context = browser.new_context(color_scheme=scheme, viewport=size, locale="en-GB")
    page = context.new_page()
    page.goto(f"{url}/")
    if name != "login":
        page.get_by_label("User").fill("guest")
        page.get_by_label("Password").fill("guest")
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Overview").wait_for()
        page.goto(f"{url}/{address}")
        page.reload()
    page.locator("main", has_not_text="Loading…").wait_for()
    page.wait_for_timeout(500)
    file = FOLDER / f"{name}.png"
    page.screenshot(path=file)
    context.close()
    octets = file.stat().st_size
    print(
        f"{file.name}: {octets} octets{' - TOO LARGE' if octets > MOST_OCTETS else ''}", flush=True
    )


def link_names(url: str) -> dict[str, str]:
    """The name of a connection."""
    with urlopen(Request(f"{url}/api/connections", headers=LOGIN)) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return {"CONNECTION": found[0]["name"]}


def main(wanted: list[str]) -> None:
    """Take the ``wanted`` pictures, or all."""
    FOLDER.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with (
        leveret.Broker(management=True) as broker,
        sync_playwright() as playwright,
        Shop(broker.url),
    ):
        broker.call(prepare)
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        url = broker.management_url
        names = link_names(url)  # and with it, the statistics begin
        set_policies(url)
        time.sleep(WARM_UP_S)
        for name in wanted or PICTURES:
            take(browser, url, name, names)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
