"""leveret.management.exposition: what it writes, Prometheus' own client reads."""

from prometheus_client.parser import text_string_to_metric_families

from leveret.management.exposition import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    Metric,
    Page,
    label_text,
    value_text,
)

NAME = 'a "b" \\ c\nd'


def read(page: Page) -> dict[str, list[tuple[str, dict[str, str], float]]]:
    families = text_string_to_metric_families(page.octets().decode())
    return {f.name: [(s.name, s.labels, s.value) for s in f.samples] for f in families}


def test_a_gauge_without_labels() -> None:
    page = Page()
    page.single("x_", Metric("queues", GAUGE, "How many\nthere are"), 3)
    assert (
        page.octets()
        == b"# TYPE x_queues gauge\n# HELP x_queues How many\\nthere are\nx_queues 3\n"
    )
    assert read(page) == {"x_queues": [("x_queues", {}, 3.0)]}


def test_any_name_may_be_a_label() -> None:
    page = Page()
    labels = (("vhost", "/"), ("queue", NAME))
    page.several("x_", Metric("taken_total", COUNTER, "taken"), [(labels, 2.5)])
    assert read(page) == {"x_taken": [("x_taken_total", {"vhost": "/", "queue": NAME}, 2.5)]}


def test_octets_that_are_no_text_are_replaced() -> None:
    assert (
        label_text((("queue", b"\xff".decode("utf-8", "surrogateescape")),)) == '{queue="\ufffd"}'
    )


def test_the_counts_of_a_histogram_are_added_up() -> None:
    page = Page()
    page.histogram("x_", Metric("s", HISTOGRAM, "size"), (("p", "a"),), (1, 2.5), [4, 0, 1], 9.5)
    assert read(page) == {
        "x_s": [
            ("x_s_bucket", {"p": "a", "le": "1"}, 4.0),
            ("x_s_bucket", {"p": "a", "le": "2.5"}, 4.0),
            ("x_s_bucket", {"p": "a", "le": "+Inf"}, 5.0),
            ("x_s_count", {"p": "a"}, 5.0),
            ("x_s_sum", {"p": "a"}, 9.5),
        ]
    }


def test_whole_numbers_have_no_point() -> None:
    assert [value_text(v) for v in (0, 7.0, 1.5, 10**15)] == ["0", "7", "1.5", "1000000000000000"]
