"""Lists: names, order, pages, columns; RabbitMQ's answers to what makes no sense."""

import pytest
from tests.management.client import Client

import leveret
from leveret.broker.wishes import QueueWish
from leveret.management.lists import cut_down, dotted

QUEUES = ["apple", "Banana", "cherry", "date", "elder"]


@pytest.fixture
def fruit(managed: leveret.Broker, client: Client) -> Client:
    """Asks a broker with some queues."""

    def declare(node: "leveret.broker.node.Node") -> None:
        for index, name in enumerate(QUEUES):
            wish = QueueWish(name, index % 2 == 0, False, 0, {})
            node.vhosts["/"].declare_queue(wish, 0)

    managed.call(declare)
    return client


def names(answer: object) -> list[str]:
    items = answer["items"] if isinstance(answer, dict) else answer
    assert isinstance(items, list)
    return [item["name"] for item in items]


def test_a_list_is_sorted_by_name(fruit: Client) -> None:
    assert names(fruit.get("/api/queues")) == ["Banana", "apple", "cherry", "date", "elder"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("sort=name&sort_reverse=true", ["elder", "date", "cherry", "apple", "Banana"]),
        ("sort=durable", ["Banana", "date", "apple", "cherry", "elder"]),
        ("sort=arguments.x-queue-type&sort_reverse=true&columns=name", None),
        ("sort=nonsense", ["apple", "Banana", "cherry", "date", "elder"]),
    ],
)
def test_a_list_is_sorted_by_what_is_wanted(
    fruit: Client, query: str, wanted: list[str] | None
) -> None:
    found = names(fruit.get(f"/api/queues?{query}"))
    assert sorted(found) == sorted(QUEUES)
    if wanted is not None:
        assert found == wanted


def test_a_page_tells_where_it_is(fruit: Client) -> None:
    page = fruit.get("/api/queues?page=2&page_size=2")
    assert names(page) == ["cherry", "date"]
    del page["items"]
    assert page == {
        "page": 2,
        "page_size": 2,
        "page_count": 3,
        "item_count": 2,
        "filtered_count": 5,
        "total_count": 5,
    }


def test_names_choose_what_is_on_the_pages(fruit: Client) -> None:
    page = fruit.get("/api/queues?page=1&name=E")
    assert names(page) == ["apple", "cherry", "date", "elder"]
    assert (page["filtered_count"], page["total_count"]) == (4, 5)
    page = fruit.get("/api/queues?page=1&name=%5E.an&use_regex=true")
    assert names(page) == ["Banana"]


def test_an_empty_first_page_is_fine(fruit: Client) -> None:
    page = fruit.get("/api/queues?page=1&name=nothing")
    assert (page["items"], page["page_count"], page["filtered_count"]) == ([], 0, 0)


@pytest.mark.parametrize(
    ("query", "error", "reason"),
    [
        ("page=x", "bad_request", "Pagination parameters are invalid"),
        ("page=-1", "bad_request", "Pagination parameters are invalid"),
        ("page=1&page_size=ten", "bad_request", "Pagination parameters are invalid"),
        ("page=1&name=%5B&use_regex=true", "bad_request", "Pagination parameters are invalid"),
        (
            "page=1&page_size=501",
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 1, page size 501",
        ),
        (
            "page=9&page_size=2",
            "page_out_of_range",
            "Page out of range, page: 9 page size: 2, len: 5",
        ),
    ],
)
def test_pages_that_cannot_be_are_refused(
    fruit: Client, query: str, error: str, reason: str
) -> None:
    answer = fruit.ask("GET", f"/api/queues?{query}")
    assert answer.status == 400
    assert answer.json == {"error": error, "reason": reason}


def test_columns_cut_down_what_is_shown(fruit: Client) -> None:
    assert fruit.get("/api/queues?page=1&page_size=1&columns=name,vhost,nonsense")["items"] == [
        {"name": "Banana", "vhost": "/"}
    ]
    assert fruit.get("/api/queues/%2F/apple?columns=durable") == {"durable": True}


def test_a_column_is_the_same_alone_and_among_all(fruit: Client) -> None:
    """What is cheap to have is had without the rest."""
    for path in ("queues", "exchanges", "vhosts", "bindings", "consumers", "connections"):
        for whole in fruit.get(f"/api/{path}"):
            for name, value in whole.items():
                if isinstance(value, str | bool) and value != "":
                    alone = fruit.get(f"/api/{path}?columns={name}")
                    assert {name: value} in alone


def test_long_answers_are_compressed_for_those_who_take_it(fruit: Client) -> None:
    plain = fruit.ask("GET", "/api/queues")
    small = fruit.ask("GET", "/api/queues", None, {"accept-encoding": "gzip, deflate"})
    refused = fruit.ask("GET", "/api/queues", None, {"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < len(plain.octets)
    assert names(small.json) == names(plain.json)


def test_a_list_that_is_too_long_is_asked_for_in_pages(
    fruit: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leveret.management.lists.MOST_OCTETS", 200)
    answer = fruit.ask("GET", "/api/queues")
    assert (answer.status, answer.json["error"]) == (400, "answer_too_large")
    assert "pages" in answer.json["reason"]
    assert len(fruit.get("/api/queues?columns=name")) == len(QUEUES)


def test_dots_lead_into_what_is_in_facts() -> None:
    facts: dict[str, object] = {"a": {"b": {"c": 1}, "d": 2}, "e": None}
    assert dotted(facts, "a.b.c") == 1
    assert dotted(facts, "a.x.c") is None
    assert dotted(facts, "a.d.c") is None
    assert cut_down(facts, ["a.b.c", "a.d", "e", "f"]) == {"a": {"b": {"c": 1}, "d": 2}}
    assert cut_down(facts, ["a.d", "a"]) == {"a": {"b": {"c": 1}, "d": 2}}
    assert cut_down(facts, []) == facts
