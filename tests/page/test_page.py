"""The page in a browser: what people do with it, done."""

import json
import re
from pathlib import Path
from typing import Any

import pika
import pytest
from tests.page.conftest import PATIENCE_MS, Tab

import leveret

expect: Any = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright (in the dev group)"
).expect
expect.set_options(timeout=PATIENCE_MS)

# A browser takes its time on a machine that has other things to do.
pytestmark = pytest.mark.timeout(600)


def connect(broker: leveret.Broker) -> Any:
    """A client's connection."""
    return pika.BlockingConnection(pika.URLParameters(broker.url))


def fill_queue(broker: leveret.Broker, name: str, *bodies: bytes, **properties: Any) -> None:
    """Declare a durable queue with these messages in it."""
    connection = connect(broker)
    channel = connection.channel()
    channel.queue_declare(name, durable=True)
    channel.confirm_delivery()
    for body in bodies:
        channel.basic_publish("", name, body, pika.BasicProperties(**properties))
    connection.close()


def take_all(broker: leveret.Broker, name: str) -> list[tuple[bytes, bool]]:
    """What is in a queue, taken out: bodies, and whether they are redelivered."""
    connection = connect(broker)
    channel = connection.channel()
    taken = []
    while (found := channel.basic_get(name, auto_ack=True))[0] is not None:
        taken.append((found[2], found[0].redelivered))
    connection.close()
    return taken


def declare_queue(page: Any, name: str) -> None:
    """Through the form of the list."""
    page.locator("summary", has_text="Declare a queue").click()
    form = page.get_by_role("form", name="Declare queue")
    form.get_by_role("textbox", name="Name", exact=True).fill(name)
    form.get_by_role("button", name="Declare queue").click()
    expect(page.get_by_role("link", name=name)).to_be_visible()


# ------------------------------------------------------------------------------------------ login


def test_a_wrong_password_is_told_and_a_right_one_lets_in_and_out(tab: Tab) -> None:
    page = tab.page
    page.goto(f"{tab.url}/")
    page.get_by_label("User").fill("guest")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("Login failed")
    tab.login()
    page.reload()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_who_does_nothing_for_long_is_logged_out(browser: Any) -> None:
    settings = {"management_login_session_timeout_s": 7200}
    with leveret.Broker(management=True, settings=settings) as broker:
        tab = Tab(browser, broker.management_url)
        tab.page.clock.install()
        page = tab.login()
        page.clock.fast_forward("01:00:00")
        page.keyboard.press("r")
        page.clock.fast_forward("01:30:00")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.clock.fast_forward("03:00:00")
        expect(page.get_by_label("Password")).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0
        tab.context.close()


def test_whoever_administers_nothing_sees_no_menu_for_it(tab: Tab, managed: leveret.Broker) -> None:
    def add(node: Any) -> None:
        node.users.add("reader", "secret", ["management"])

    managed.call(add)
    page = tab.login("reader", "secret")
    expect(page.get_by_role("link", name="Queues", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Users")).to_have_count(0)


# ------------------------------------------------------------------------- exchanges and queues


def test_an_exchange_and_a_queue_are_declared_bound_and_published_through(
    tab: Tab, managed: leveret.Broker
) -> None:
    page = tab.login()
    tab.show("#/queues")
    declare_queue(page, "orders")
    tab.show("#/exchanges")
    page.locator("summary", has_text="Declare an exchange").click()
    form = page.get_by_role("form", name="Declare exchange")
    form.get_by_role("textbox", name="Name", exact=True).fill("shop")
    form.get_by_role("combobox", name="Type").select_option("topic")
    form.get_by_role("button", name="Declare exchange").click()
    page.get_by_role("link", name="shop").click()

    form = page.get_by_role("form", name="Bind")
    form.get_by_label("Named").fill("orders")
    form.get_by_label("Routing key").fill("orders.#")
    form.get_by_role("button", name="Bind").click()
    expect(page.get_by_role("link", name="orders", exact=True)).to_be_visible()

    form = page.get_by_role("form", name="Publish message")
    form.get_by_label("Routing key").fill("orders.new")
    form.get_by_label("Payload", exact=True).fill('{"id": 1}')
    form.get_by_role("button", name="Publish message").click()
    expect(page.get_by_text("The message is published")).to_be_visible()
    form.get_by_label("Routing key").fill("nowhere")
    form.get_by_role("button", name="Publish message").click()
    expect(page.get_by_text("no binding matches its routing key")).to_be_visible()
    assert take_all(managed, "orders") == [(b'{"id": 1}', False)]

    page.get_by_role("button", name="Unbind orders from shop").click()
    page.get_by_role("dialog").get_by_role("button", name="Unbind").click()
    expect(page.get_by_text("No binding leads from here")).to_be_visible()
    page.get_by_role("button", name="Delete this exchange").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete the exchange shop?")
    page.get_by_role("dialog").get_by_role("button", name="Delete exchange").click()
    expect(page.get_by_role("heading", name="Exchanges")).to_be_visible()
    expect(page.get_by_role("link", name="shop")).to_have_count(0)


def test_arguments_of_a_queue_are_typed_and_a_refusal_is_shown_in_the_form(tab: Tab) -> None:
    page = tab.login()
    tab.show("#/queues")
    page.locator("summary", has_text="Declare a queue").click()
    form = page.get_by_role("form", name="Declare queue")
    form.get_by_role("textbox", name="Name", exact=True).fill("timed")
    form.get_by_role("button", name="Message TTL").click()
    form.get_by_label("Arguments: value of x-message-ttl").fill("soon")
    form.get_by_role("button", name="Declare queue").click()
    expect(form.get_by_role("alert")).to_contain_text('x-message-ttl must be a number, and "soon"')
    form.get_by_label("Arguments: value of x-message-ttl").fill("-5")
    form.get_by_role("button", name="Declare queue").click()
    expect(form.get_by_role("alert")).to_contain_text("x-message-ttl")
    form.get_by_label("Arguments: value of x-message-ttl").fill("60000")
    form.get_by_role("button", name="Declare queue").click()
    page.get_by_role("link", name="timed").click()
    expect(page.locator(".pairs").first).to_contain_text("x-message-ttl")


def test_a_queue_is_purged_and_deleted_after_a_question_that_names_it(
    tab: Tab, managed: leveret.Broker
) -> None:
    fill_queue(managed, "old", b"1", b"2", b"3")
    page = tab.login()
    tab.show("#/queues/%2F/old?tab=manage")
    page.get_by_role("button", name="Purge messages").click()
    expect(page.get_by_role("dialog")).to_contain_text("Purge old?")
    expect(page.get_by_role("dialog")).to_contain_text("3 ready messages")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Purge messages").click()
    page.get_by_role("dialog").get_by_role("button", name="Purge messages").click()
    expect(page.get_by_role("button", name="Nothing to purge")).to_be_disabled()
    page.get_by_role("button", name="Delete this queue").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete queue").click()
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    expect(page.get_by_role("link", name="old")).to_have_count(0)


# ----------------------------------------------------------------------------------------- messages


def test_messages_are_browsed_without_being_taken_or_marked(
    tab: Tab, managed: leveret.Broker
) -> None:
    bodies = [b'{"id": 1, "lines": [1, 2]}', b"plain words", bytes(range(32))]
    fill_queue(managed, "orders", *bodies, headers={"x-tenant": "north"}, message_id="m-1")
    page = tab.login()
    tab.show("#/queues/%2F/orders?tab=messages")
    rows = page.get_by_role("list", name="Messages").get_by_role("button")
    expect(rows).to_have_count(3)
    rows.nth(0).click()
    message = page.get_by_role("article")
    expect(message.locator("pre")).to_have_text(
        '{\n  "id": 1,\n  "lines": [\n    1,\n    2\n  ]\n}'
    )
    expect(message).to_contain_text("x-tenant")
    expect(message).to_contain_text("m-1")
    message.get_by_role("button", name="Hex").click()
    expect(message.locator("pre")).to_contain_text("000000  7b 22 69 64")
    message.get_by_role("button", name="Text").click()
    expect(message.locator("pre")).to_have_text('{"id": 1, "lines": [1, 2]}')
    rows.nth(2).click()
    message.get_by_role("button", name="Hex").click()
    expect(message.locator("pre")).to_contain_text("00 01 02 03")
    assert [body for body, _ in take_all(managed, "orders")] == bodies


def test_nothing_that_was_browsed_counts_as_redelivered(tab: Tab, managed: leveret.Broker) -> None:
    fill_queue(managed, "orders", b"one", b"two")
    page = tab.login()
    tab.show("#/queues/%2F/orders?tab=messages")
    expect(page.get_by_role("list", name="Messages").get_by_role("button")).to_have_count(2)
    assert take_all(managed, "orders") == [(b"one", False), (b"two", False)]


def test_a_message_that_a_consumer_holds_says_who_and_since_when(
    tab: Tab, managed: leveret.Broker
) -> None:
    fill_queue(managed, "jobs", b"work")
    connection = connect(managed)
    channel = connection.channel()
    got: list[bytes] = []
    channel.basic_consume("jobs", lambda *facts: got.append(facts[3]), consumer_tag="worker-7")
    while not got:
        connection.process_data_events(0.1)
    page = tab.login()
    tab.show("#/queues/%2F/jobs?tab=messages&state=unacked")
    page.get_by_role("list", name="Messages").get_by_role("button").click()
    message = page.get_by_role("article")
    expect(message).to_contain_text("consumer worker-7 on")
    expect(message).to_contain_text("Held since")
    connection.close()


def test_messages_are_got_and_put_back_or_taken(tab: Tab, managed: leveret.Broker) -> None:
    fill_queue(managed, "mail", b"first", b"second")
    page = tab.login()
    tab.show("#/queues/%2F/mail?tab=messages")
    form = page.get_by_role("form", name="Get messages")
    form.get_by_role("button", name="Get messages").click()
    expect(page.get_by_role("article").locator("pre")).to_have_text("first")
    form.get_by_role("combobox", name="Afterwards").select_option("ack_requeue_false")
    form.get_by_role("button", name="Get messages").click()
    page.get_by_role("dialog").get_by_role("button", name="Take up to 1").click()
    expect(page.get_by_role("button", name=re.compile("Ready 1"))).to_be_visible()
    assert [body for body, _ in take_all(managed, "mail")] == [b"second"]


def test_messages_are_moved_to_another_queue(tab: Tab, managed: leveret.Broker) -> None:
    fill_queue(managed, "from", b"1", b"2")
    fill_queue(managed, "to")
    page = tab.login()
    tab.show("#/queues/%2F/from?tab=manage")
    form = page.get_by_role("form", name="Move messages")
    form.get_by_label("To queue").fill("to")
    form.get_by_role("button", name="Move messages").click()
    page.get_by_role("dialog").get_by_role("button", name="Move messages").click()
    expect(page.get_by_role("button", name="Nothing to purge")).to_be_visible()
    assert [body for body, _ in take_all(managed, "to")] == [b"1", b"2"]


# -------------------------------------------------------------------------------------------- admin


def test_a_policy_is_set_rules_a_queue_and_is_deleted(tab: Tab, managed: leveret.Broker) -> None:
    fill_queue(managed, "orders.eu")
    page = tab.login()
    tab.show("#/policies")
    page.locator("summary", has_text="Add or change a policy").click()
    form = page.get_by_role("form", name="Set policy")
    form.get_by_role("textbox", name="Name", exact=True).fill("short")
    form.get_by_label("Pattern").fill("^orders")
    form.get_by_role("button", name="Max length", exact=True).click()
    form.get_by_label("Definition: value of max-length").fill("10")
    form.get_by_role("button", name="Set policy").click()
    expect(page.get_by_text("max-length: 10")).to_be_visible()
    tab.show("#/queues/%2F/orders.eu")
    expect(page.locator("main")).to_contain_text("short")
    expect(page.locator(".pairs", has_text="max-length")).to_be_visible()
    tab.show("#/policies")
    page.get_by_role("button", name="Delete the policy short").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete policy").click()
    expect(page.get_by_text("There is no policy yet.")).to_be_visible()


def test_a_user_is_added_and_given_rights(tab: Tab, managed: leveret.Broker) -> None:
    page = tab.login()
    tab.show("#/users")
    page.locator("summary", has_text="Add a user").click()
    form = page.get_by_role("form", name="Add user")
    form.get_by_role("textbox", name="Name", exact=True).fill("biller")
    form.get_by_label("Password", exact=True).fill("secret")
    form.get_by_label("Tags").fill("management")
    form.get_by_role("button", name="Add user").click()
    page.get_by_role("link", name="biller").click()
    expect(page.get_by_text("No rights anywhere")).to_be_visible()
    form = page.get_by_role("form", name="Set permissions")
    form.get_by_label("Configure").fill("^bills")
    form.get_by_role("button", name="Set permissions").click()
    expect(page.get_by_role("cell", name="^bills")).to_be_visible()
    expect(form.get_by_label("Configure")).to_have_value(".*")
    rights = managed.call(lambda node: node.users.by_name["biller"].permissions["/"].configure)
    assert str(rights) == "^bills"


def test_a_virtual_host_is_added_limited_and_deleted(tab: Tab, managed: leveret.Broker) -> None:
    page = tab.login()
    tab.show("#/vhosts")
    page.locator("summary", has_text="Add a virtual host").click()
    form = page.get_by_role("form", name="Add virtual host")
    form.get_by_role("textbox", name="Name", exact=True).fill("shop")
    form.get_by_role("button", name="Add virtual host").click()
    expect(page.get_by_role("link", name="shop")).to_be_visible()
    tab.show("#/limits")
    form = page.get_by_role("form", name="Set limit").first
    form.get_by_role("combobox", name="Virtual host").select_option("shop")
    form.get_by_label("Value").fill("5")
    form.get_by_role("button", name="Set limit").click()
    expect(page.get_by_role("button", name="Clear max-connections of shop")).to_be_visible()
    tab.show("#/vhosts/shop")
    page.get_by_role("button", name="Delete this virtual host").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete virtual host").click()
    expect(page.get_by_role("heading", name="Virtual hosts")).to_be_visible()
    expect(page.get_by_role("link", name="shop")).to_have_count(0)
    assert managed.call(lambda node: list(node.vhosts)) == ["/"]


def test_a_connection_is_closed_with_the_reason_given(tab: Tab, managed: leveret.Broker) -> None:
    connection = connect(managed)
    page = tab.login()
    tab.show("#/connections")
    page.locator("table.list tbody a").first.click()
    page.get_by_role("button", name="Close this connection").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason the client is told").fill("maintenance at noon")
    dialog.get_by_role("button", name="Close connection").click()
    expect(page.get_by_text("Nobody is connected.")).to_be_visible()
    with pytest.raises(pika.exceptions.ConnectionClosed, match="maintenance at noon"):
        while True:
            connection.process_data_events(1)


def test_what_looks_like_the_pages_own_descriptions_of_elements_stays_text(
    tab: Tab, managed: leveret.Broker
) -> None:
    """Parameters, arguments and headers are anybody's."""
    link = {"tag": "a", "props": {"href": "https://a.example"}, "kids": ["Log in again"]}
    managed.call(lambda node: node.global_parameters.set("cluster_name", link))
    page = tab.login()
    expect(page.get_by_text("Log in again")).to_be_visible()
    expect(page.get_by_role("link", name="Log in again")).to_have_count(0)


def test_definitions_go_out_as_a_file_and_come_back_in(
    tab: Tab, managed: leveret.Broker, downloads: Path
) -> None:
    fill_queue(managed, "orders")
    page = tab.login()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download definitions").click()
    file = downloads / "definitions.json"
    download.value.save_as(file)
    definitions = json.loads(file.read_text())
    assert [queue["name"] for queue in definitions["queues"]] == ["orders"]
    definitions["queues"][0]["name"] = "imported"
    file.write_text(json.dumps(definitions))
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Import definitions").click()
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    expect(page.get_by_text("definitions.json was imported")).to_be_visible()
    tab.show("#/queues")
    expect(page.get_by_role("link", name="imported")).to_be_visible()


# ---------------------------------------------------------------------------------- live, and kept


def test_the_charts_move_while_messages_do(tab: Tab, managed: leveret.Broker) -> None:
    fill_queue(managed, "orders", b"1")
    page = tab.login()
    ready = page.locator("live-chart").first.locator("polyline.c1")
    expect(ready).to_have_attribute("points", re.compile(r"\d"))
    before = ready.get_attribute("points")
    fill_queue(managed, "orders", *[b"more"] * 20)
    expect(page.locator(".tiles")).to_contain_text("21")
    expect(ready).not_to_have_attribute("points", before or "")


def test_a_chart_is_read_by_the_arrow_keys_and_its_lines_are_switched(
    tab: Tab, managed: leveret.Broker
) -> None:
    fill_queue(managed, "orders", b"1")
    page = tab.login()
    chart = page.locator("live-chart").first
    expect(chart.locator("polyline.c1")).to_have_attribute("points", re.compile(r"\d"))
    chart.locator("svg").focus()
    page.keyboard.press("ArrowLeft")
    expect(chart.locator(".chart-tip")).to_contain_text("Ready")
    chart.get_by_role("button", name="Ready").click()
    expect(chart.locator("polyline.c1")).to_have_count(0)
    expect(chart.get_by_role("button", name="Ready")).to_have_attribute("aria-pressed", "false")


def test_the_theme_is_kept(tab: Tab) -> None:
    page = tab.login()
    page.keyboard.press("t")
    page.keyboard.press("t")
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_nothing_is_asked_for_while_the_tab_is_hidden_and_at_once_when_it_is_not(
    tab: Tab, managed: leveret.Broker
) -> None:
    fill_queue(managed, "orders")
    page = tab.login()
    tab.show("#/queues")
    expect(page.locator("td[data-label=Ready]")).to_have_text("0")
    turn = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(turn, True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)  # longer than it takes to ask twice
    assert asked == []
    fill_queue(managed, "orders", b"1")
    page.evaluate(turn, False)
    expect(page.locator("td[data-label=Ready]")).to_have_text("1")


def test_a_refresh_leaves_alone_what_somebody_types_and_selects(
    tab: Tab, managed: leveret.Broker
) -> None:
    fill_queue(managed, "orders", b"1")
    page = tab.login()
    tab.show("#/queues")
    page.locator("summary", has_text="Declare a queue").click()
    field = page.get_by_role("form", name="Declare queue").get_by_role(
        "textbox", name="Name", exact=True
    )
    field.fill("half a na")
    page.evaluate("document.activeElement.setSelectionRange(2, 4)")
    fill_queue(managed, "orders", b"2", b"3")
    expect(page.locator("td[data-label=Ready]")).to_have_text("3")
    assert field.input_value() == "half a na"
    assert page.evaluate(
        "[document.activeElement.name, document.activeElement.selectionStart]"
    ) == ["name", 2]


def test_a_list_is_filtered_sorted_and_paged_by_its_address(
    tab: Tab, managed: leveret.Broker
) -> None:
    connection = connect(managed)
    channel = connection.channel()
    for number in range(30):
        channel.queue_declare(f"worker.{number:02}", durable=True)
    channel.queue_declare("other", durable=True)
    page = tab.login()
    tab.show("#/queues?page_size=20")
    expect(page.locator("table.list tbody tr")).to_have_count(20)
    page.get_by_role("button", name="Next").click()
    expect(page.locator("table.list tbody tr")).to_have_count(11)
    page.get_by_label("Filter Queues").fill("worker.1")
    expect(page.locator("table.list tbody tr")).to_have_count(10)
    page.get_by_role("button", name="Name").click()
    expect(page.locator("table.list tbody a").first).to_have_text("worker.19")
    page.reload()
    expect(page.locator("table.list tbody a").first).to_have_text("worker.19")
    expect(page.get_by_label("Filter Queues")).to_have_value("worker.1")
    connection.close()


def test_the_keyboard_goes_everywhere(tab: Tab, managed: leveret.Broker) -> None:
    fill_queue(managed, "a")
    fill_queue(managed, "b")
    page = tab.login()
    page.keyboard.press("g")
    page.keyboard.press("q")
    expect(page.get_by_role("link", name="b", exact=True)).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="a", exact=True)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="b", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Queue b")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Filter Queues")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard")


def test_a_broker_that_is_gone_is_told_and_what_was_shown_stays(browser: Any) -> None:
    with leveret.Broker(management=True) as broker:
        tab = Tab(browser, broker.management_url)
        page = tab.login()
    expect(page.locator(".banner")).to_contain_text("The broker does not answer")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    tab.context.close()


LISTS = ("connections", "channels", "consumers", "exchanges", "queues", "users", "vhosts")


@pytest.mark.parametrize("name", LISTS)
def test_every_column_that_offers_to_sort_does(
    tab: Tab, managed: leveret.Broker, name: str
) -> None:
    connection = connect(managed)
    channel = connection.channel()
    channel.queue_declare("q", durable=True)
    channel.basic_consume("q", lambda *_: None)
    page = tab.login()
    tab.show(f"#/{name}")
    page.locator("summary", has_text="Columns").click()
    for box in page.locator(".popup input:not(:checked)").all()[::-1]:
        box.click()
    page.locator("summary", has_text="Columns").click()
    for column in page.locator("th button").all():
        column.click()
        expect(page.locator("th[aria-sort]")).to_have_count(1)
        expect(column.locator("xpath=..")).to_have_attribute("aria-sort", re.compile("ending"))
        column.click()
        expect(page.locator("table.list tbody tr").first).to_be_visible()
    expect(page.locator(".banner")).to_have_count(0)
    connection.close()


def test_a_pattern_that_is_none_is_refused_in_words_and_can_be_mended(
    tab: Tab, managed: leveret.Broker
) -> None:
    fill_queue(managed, "orders")
    page = tab.login()
    tab.show("#/queues?use_regex=true&name=(")
    expect(page.locator(".banner")).to_be_visible()
    page.get_by_label("Filter Queues").fill("ord.*")
    expect(page.get_by_role("link", name="orders")).to_be_visible()
    expect(page.locator(".banner")).to_have_count(0)


def test_charts_show_up_to_a_day(tab: Tab) -> None:
    page = tab.login()
    for span in ("ten", "hour", "eight", "day"):
        page.get_by_label("Time that charts show").select_option(span)
        expect(page).to_have_url(re.compile(f"range={span}"))
        expect(page.locator(".banner")).to_have_count(0)


def test_a_queue_that_is_gone_is_said_to_be(tab: Tab, managed: leveret.Broker) -> None:
    fill_queue(managed, "short")
    page = tab.login()
    tab.show("#/queues/%2F/short")
    expect(page.locator(".tiles")).to_be_visible()
    connection = connect(managed)
    connection.channel().queue_delete("short")
    connection.close()
    expect(page.locator(".banner")).to_have_text("Queue short is not there (any more).")


def test_an_address_with_a_percent_sign_typed_by_hand_shows_what_is_meant(
    tab: Tab, managed: leveret.Broker
) -> None:
    fill_queue(managed, "50%")
    page = tab.login()
    tab.show("#/queues/%2F/50%")
    expect(page.get_by_role("heading", level=1)).to_contain_text("50%")
    tab.show("#/queues/%2F/60%")
    expect(page.locator(".banner")).to_have_text("Queue 60% is not there (any more).")
