"""Every path of the HTTP API is asked in odd ways: none of it is our failure."""

import http.client
import re
from base64 import b64encode

import leveret
from leveret.broker.wishes import QueueWish
from leveret.management.site import _VIEWS

# What stands for each name in a path; others are ``x``.
NAMES = {"vhost": ["%2F", "%FF"], "name": ["q", "%00"], "node": ["leveret", ".."]}
QUERIES = [
    "",
    "sort=x..y&columns=.,a..b,",
    "page=0",
    "page=1&page_size=0",
    "page=99999999999",
    "page=%00&name=%FF",
    "sort=arguments&sort_reverse=true",
    "page=1&name=(((((&use_regex=true",
    "columns=arguments.x.y,arguments",
    "lengths_age=0&lengths_incr=0",
    "msg_rates_age=999999999&msg_rates_incr=1",
    "data_rates_age=x&data_rates_incr=1",
    "truncate=-1&count=-1&offset=x",
    "a" * 5000,
]
PATHS = sorted({r.path for module in _VIEWS for r in module.ROUTES if "GET" in r.views})


def filled(path: str, which: int) -> str:
    """``path`` with something in the place of its names."""
    return re.sub(r"\{(\w+)\}", lambda found: NAMES.get(found[1], ["x", "x"])[which], path)


def test_no_question_makes_it_fail(managed: leveret.Broker) -> None:
    wish = QueueWish("q", False, False, 0, {})
    managed.call(lambda node: node.vhosts["/"].declare_queue(wish, 0))
    header = {"authorization": f"Basic {b64encode(b'guest:guest').decode()}"}
    connection = http.client.HTTPConnection("127.0.0.1", managed.management_port, timeout=60)
    failed: list[tuple[str, int]] = []
    for path in PATHS:
        for place in {filled(path, 0), filled(path, 1)}:
            for query in QUERIES:
                connection.request("GET", f"{place}?{query}", headers=header)
                answer = connection.getresponse()
                answer.read()
                # A health check may well find that something is not as it should be.
                if answer.status >= 500 and answer.status != 503:
                    failed.append((f"{place}?{query}", answer.status))
    connection.close()
    assert failed == []
