"""views.page: the files of the page, as they are served and as they are written."""

import re
from pathlib import Path

import pytest
from tests.management.client import Client

import leveret
from leveret.management.views import page

FILES = sorted(path for path in page.FOLDER.rglob("*") if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]


@pytest.fixture
def client(managed: leveret.Broker) -> Client:
    """Somebody who is not logged in."""
    return Client(managed.management_url, "")


def name_of(path: Path) -> str:
    return path.relative_to(page.FOLDER).as_posix()


def test_each_file_is_served_under_a_policy_that_lets_nothing_else_run(client: Client) -> None:
    for path in FILES:
        answer = client.ask("GET", f"/{name_of(path)}")
        assert answer.status == 200
        assert answer.octets == path.read_bytes()
        assert answer.headers["content-type"] == page.TYPES[path.suffix]
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self'" in policy
        assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_itself_is_at_the_root(client: Client) -> None:
    assert client.ask("GET", "/").octets == (page.FOLDER / "index.html").read_bytes()


def test_under_a_prefix_the_page_is_at_its_end() -> None:
    settings = {"management_path_prefix": "/mq"}
    with leveret.Broker(management=True, settings=settings) as broker:
        client = Client(broker.management_url.removesuffix("/mq"), "")
        without_slash = client.ask("GET", "/mq")
        assert (without_slash.status, without_slash.headers["location"]) == (308, "mq/")
        assert client.ask("GET", "/mq/").octets == (page.FOLDER / "index.html").read_bytes()
        assert client.ask("GET", "/mq/main.js").status == 200


def test_a_browser_that_has_a_file_is_not_sent_it_again(client: Client) -> None:
    etag = client.ask("GET", "/main.js").headers["etag"]
    again = client.ask("GET", "/main.js", None, {"if-none-match": etag})
    assert (again.status, again.octets) == (304, b"")
    other = client.ask("GET", "/main.js", None, {"if-none-match": '"another"'})
    assert other.status == 200


def test_files_are_compressed_for_whoever_takes_that(client: Client) -> None:
    answer = client.ask("GET", "/main.js", None, {"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.octets == (page.FOLDER / "main.js").read_bytes()


def test_only_the_files_that_there_are_can_be_had(client: Client) -> None:
    for path in ("/page.py", "/../page.py", "/%2e%2e/page.py", "/views", "/views/", "/none.js"):
        assert client.ask("GET", path).status == 404


def loaded_with(path: Path) -> set[Path]:
    """The modules that come with a module: what it imports, and what those do."""
    found, ahead = set(), [path]
    while ahead:
        here = ahead.pop()
        if here not in found:
            found.add(here)
            places = re.findall(r'^import .*?from "([^"]+)";$', here.read_text(), re.M | re.S)
            ahead += [(here.parent / place).resolve() for place in places]
    return found


def test_all_of_it_is_small() -> None:
    first = loaded_with(page.FOLDER / "main.js") | {p for p in FILES if p.suffix != ".js"}
    assert sum(path.stat().st_size for path in first) < 160 * 1024
    # The rest comes when it is looked at.
    later = {"views/live.js", "live/mqtt.js", "live/stomp.js", "live/socket.js"}
    assert {name_of(path) for path in set(FILES) - first} == later
    assert sum(path.stat().st_size for path in FILES) < 176 * 1024
    assert [name_of(path) for path in FILES if len(path.read_text().splitlines()) > 350] == []


def test_nothing_comes_from_elsewhere_and_nothing_is_inline() -> None:
    for path in FILES:
        text = path.read_text().replace("http://www.w3.org/", "")  # names of namespaces
        assert not re.search(r"https?://|//cdn|innerHTML|outerHTML|\beval\(|new Function", text), (
            path
        )
    html = (page.FOLDER / "index.html").read_text()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", html)


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_what_a_module_imports_is_there(path: Path) -> None:
    text = path.read_text()
    for names, place in re.findall(r'import \{([^}]*)\} from "([^"]+)"', text):
        other = (path.parent / place).resolve()
        assert other in FILES, place
        exported = set(
            re.findall(r"export (?:async )?(?:const|function|class) (\w+)", other.read_text())
        )
        wanted = {name.strip() for name in names.split(",") if name.strip()}
        assert wanted <= exported, f"{place}: {wanted - exported}"
        for name in wanted:
            assert len(re.findall(rf"\b{name}\b", text)) > 1, f"{name} is imported and not used"
