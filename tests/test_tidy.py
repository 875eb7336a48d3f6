"""The rules of the house that a machine can check: ranks, sizes, and what never belongs here.

Each rule is a function of a file's name and text that gives complaints, so that the second half of
this file can show every rule at work on a faulty text.  CONTRIBUTING.md says why the rules are.
"""

import ast
import importlib.util
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src" / "leveret"

# A module imports from earlier ranks and from its own package.  Those of one rank are strangers.
RANKS = [
    {"errors", "version"},
    {"octets", "terms", "patterns"},
    {"tables", "ports", "config", "counters", "session"},
    {"notices", "events"},
    {"auth", "store"},
    {"broker"},
    {"sessions"},
    {
        *("amqp091", "amqp10", "mqtt", "stomp", "stream"),
        *("management", "smtp", "cluster", "net", "perf", "identity"),
        "definition_files",
    },
    {"vault", "stock", "repair", "listeners"},
    {"server"},
    {"embedded", "testing"},
    {"__init__"},  # leveret/__init__.py: the public name and the version
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}

# A protocol is a function of bytes and time, the broker one of requests and time: none of these
# may reach for the world by itself, it comes in through leveret.ports.
WITHOUT_THE_WORLD = {
    *("errors", "octets", "terms", "patterns", "tables", "session", "counters", "auth", "broker"),
    "sessions",
    *("amqp091", "amqp10", "mqtt", "stomp", "stream"),
}
THE_WORLD = {
    *("asyncio", "uvloop", "socket", "ssl", "selectors", "select", "threading", "subprocess"),
    *("time", "random", "secrets", "tempfile", "shutil"),
}

# What the compiler neither sees nor needs, as in setup.py.
UNCOMPILED = {"management"}

FILE_LINES = 600
FUNCTION_LINES = 60
PARAMETERS = 7
NESTING = 4

# What names a machine or a service that only some have.  In pieces, as this file is read too.
FOREIGN = [
    "/".join(("", "work", "")),
    "/".join(("", "tmp", "")),
    "/".join(("", "farm", "")),
    "/".join(("", "root", "")),
    "/".join(("", "home", "")),
    "pypi" + ".org",
    "python" + "hosted",
    "registry" + ".npmjs",
    "deb" + ".debian",
    "ruby" + "gems.org",
]
TREES = ("src", "tests", "tools", "docs", "bench", "examples", "packaging", ".ci")
NOT_OURS = {"__pycache__", "node_modules", "_build"}

Rule = Callable[[str, str], list[str]]


# ------------------------------------------------------------------------------------------- rules


def package(name: str) -> str:
    """The part of leveret that a file belongs to: ``broker/queue.py`` to ``broker``."""
    return name.split("/")[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """The full names of the modules that a text imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a text, methods and nested ones too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports_point_down(name: str, text: str) -> list[str]:
    """Imports go to lower ranks only."""
    here = package(name)
    if here not in RANK:
        return [f"{here} has no rank: give it one in RANKS and in ARCHITECTURE.md"]
    ours = [m.split(".") for m in imported(ast.parse(text)) if m.split(".")[0] == "leveret"]
    there = {parts[1] if len(parts) > 1 else "__init__" for parts in ours} - {here}
    return [
        f"{here} must not import {other}"
        for other in sorted(there)
        if RANK.get(other, len(RANKS)) >= RANK[here]
    ]


def the_world_stays_outside(name: str, text: str) -> list[str]:
    """Protocols and the broker see time, randomness and sockets through doors only."""
    if package(name) not in WITHOUT_THE_WORLD:
        return []
    found = {module.split(".")[0] for module in imported(ast.parse(text))} & THE_WORLD
    return [f"{package(name)} must not import {module}" for module in sorted(found)]


def imports_stand_at_the_top(name: str, text: str) -> list[str]:
    """No import inside a function, but for what is loaded lazily: commands, and the public name."""
    if package(name) in ("cli", "__init__"):
        return []
    return [
        f"line {node.lineno}: import inside {function.name}"
        for function in functions(text)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def no_imports_for_types_only(name: str, text: str) -> list[str]:
    """Wanting one means that two modules know each other.  The public name is loaded lazily."""
    flag = "TYPE_" + "CHECKING"
    return [f"{flag} hides a circle"] if flag in text and package(name) != "__init__" else []


def packages_are_empty(name: str, text: str) -> list[str]:
    """An ``__init__`` is not compiled, and a re-export hides where a thing is defined."""
    is_package = name.endswith("__init__.py") and name != "__init__.py"
    return [f"{name} must be empty"] if is_package and text.strip() else []


def modules_say_what_they_are(name: str, text: str) -> list[str]:
    """Each module begins with its docstring."""
    if name.endswith("__init__.py") and not text.strip():
        return []
    return [] if ast.get_docstring(ast.parse(text)) else [f"{name} has no docstring"]


def files_are_short(name: str, text: str) -> list[str]:
    """A longer file holds two nouns."""
    lines = len(text.splitlines())
    return [f"{name} has {lines} lines, at most {FILE_LINES}"] if lines > FILE_LINES else []


def functions_are_short(name: str, text: str) -> list[str]:
    """A reader who must scroll loses the thread."""
    sizes = [(f.name, f.lineno, (f.end_lineno or f.lineno) - f.lineno + 1) for f in functions(text)]
    return [
        f"line {line}: {function} has {size} lines, at most {FUNCTION_LINES}"
        for function, line, size in sizes
        if size > FUNCTION_LINES
    ]


def parameters_are_few(name: str, text: str) -> list[str]:
    """More of them want a class.  A command's options, and a broker's, are not counted."""
    return [
        f"line {f.lineno}: {f.name} has {count} parameters, at most {PARAMETERS}"
        for f in functions(text)
        if (count := parameters(f)) > PARAMETERS and not is_command(f) and not is_face(name, f)
    ]


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many there are, ``self`` and ``cls`` apart."""
    every = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return len([argument for argument in every if argument.arg not in ("self", "cls")])


def is_face(name: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it makes a ``leveret.Broker``, where people name what they want."""
    return name == "embedded.py" and function.name == "__init__"


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether click calls it."""
    calls = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    names = {c.attr for c in calls if isinstance(c, ast.Attribute)}
    return bool(names & {"command", "group", "option", "argument"})


def nesting_is_shallow(name: str, text: str) -> list[str]:
    """Push ``if`` up and ``for`` down."""
    return [
        f"line {f.lineno}: {f.name} nests {depth} deep, at most {NESTING}"
        for f in functions(text)
        if (depth := max(depth_of(statement) for statement in f.body)) > NESTING
    ]


def depth_of(node: ast.AST) -> int:
    """How many statements stand around the innermost one.  An ``elif`` is not a level."""
    blocks = ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return 0  # counted by itself
    orelse = node.orelse if isinstance(node, ast.If) else []
    is_elif = len(orelse) == 1 and isinstance(orelse[0], ast.If)
    deepest = 0
    for child in ast.iter_child_nodes(node):
        depth = depth_of(child)
        deepest = max(deepest, depth - 1 if is_elif and child is orelse[0] else depth)
    return deepest + isinstance(node, blocks | ast.Match)


def nothing_foreign(name: str, text: str) -> list[str]:
    """No path of one machine, no host of a package registry."""
    return [
        f"line {number}: {word}"
        for number, line in enumerate(text.splitlines(), 1)
        for word in FOREIGN
        if word in line and not line.startswith("#!")
    ]


def lines_end_clean(name: str, text: str) -> list[str]:
    """No trailing blanks, no tab where Python indents, one newline at the end."""
    found = [
        f"line {number}: trailing blank"
        for number, line in enumerate(text.split("\n"), 1)
        if line != line.rstrip()
    ]
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        found.append("one newline must end the file")
    return found


def links_lead_somewhere(name: str, text: str) -> list[str]:
    """A document's link to another file of the repository names one that is there."""
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
    home = (ROOT / name).parent
    return [f"broken link: {target}" for target in targets if not (home / target).exists()]


def isinstance_is_for_what_is_not_abstract(name: str, text: str) -> list[str]:
    """Compiled classes with an abstract base share what ``isinstance`` remembers.

    So it lies to code that is not compiled, which asks compiled code, or something else.
    """
    if package(name) not in INTERPRETED:
        return []
    return [
        f"line {node.lineno}: isinstance with {asked.id}, which is abstract and compiled"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "isinstance" and len(node.args) == 2
        for asked in ast.walk(node.args[1])
        if isinstance(asked, ast.Name) and asked.id in ABSTRACT
    ]


def abstract_names() -> set[str]:
    """The classes of compiled modules that have an abstract base, however far away."""
    bases: dict[str, set[str]] = {}
    for path in SRC.rglob("*.py"):
        if package(str(path.relative_to(SRC))) in INTERPRETED:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
    found = {"ABC"}
    while more := {name for name, its in bases.items() if its & found} - found:
        found |= more
    return found - {"ABC"}


INTERPRETED = {"cli", "identity", "management"}  # as in setup.py
ABSTRACT = abstract_names()

OF_MODULES: list[Rule] = [
    *(imports_point_down, the_world_stays_outside, imports_stand_at_the_top),
    *(no_imports_for_types_only, packages_are_empty, modules_say_what_they_are),
    *(functions_are_short, parameters_are_few, nesting_is_shallow),
    isinstance_is_for_what_is_not_abstract,
]
OF_PYTHON: list[Rule] = [files_are_short]
OF_TEXTS: list[Rule] = [nothing_foreign, lines_end_clean]


# --------------------------------------------------------------------------------------- the files


def texts() -> list[Path]:
    """Every text of the repository that somebody wrote."""
    found = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".cov")]
    for tree in TREES:
        found += [path for path in (ROOT / tree).rglob("*") if path.is_file()]
    return sorted(p for p in found if is_ours(p))


def is_ours(path: Path) -> bool:
    """Neither a cache nor something binary nor a copied licence."""
    parts = path.relative_to(ROOT).parts
    generated = any(part in NOT_OURS or part.endswith(".egg-info") for part in parts)
    return not generated and path.name != "LICENSE" and b"\0" not in path.read_bytes()[:8192]


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


MODULES = sorted(SRC.rglob("*.py"))
TEXTS = texts()


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_a_module_keeps_the_rules(path: Path) -> None:
    name, text = str(path.relative_to(SRC)), path.read_text()
    assert [complaint for rule in OF_MODULES for complaint in rule(name, text)] == []


@pytest.mark.parametrize("path", [p for p in TEXTS if p.suffix == ".py"], ids=label)
def test_a_python_file_keeps_the_rules(path: Path) -> None:
    assert [c for rule in OF_PYTHON for c in rule(label(path), path.read_text())] == []


@pytest.mark.parametrize("path", TEXTS, ids=label)
def test_a_text_keeps_the_rules(path: Path) -> None:
    assert [c for rule in OF_TEXTS for c in rule(label(path), path.read_text())] == []


@pytest.mark.parametrize("path", [p for p in TEXTS if p.suffix == ".md"], ids=label)
def test_the_links_of_a_document_lead_somewhere(path: Path) -> None:
    assert links_lead_somewhere(label(path), path.read_text()) == []


def test_no_compiled_module_lies_in_the_sources() -> None:
    """It would be imported instead of its source; ``make clean`` removes it."""
    assert [label(path) for path in SRC.parent.rglob("*.so")] == []


def test_what_the_sources_import_is_declared() -> None:
    """At run time as a dependency, and for the build too: the compiler needs the types."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    used = {m.split(".")[0] for path in MODULES for m in imported(ast.parse(path.read_text()))}
    foreign = {normal(m) for m in used - set(sys.stdlib_module_names) - {"leveret"}}
    extras = [r for of in project["project"].get("optional-dependencies", {}).values() for r in of]
    optional = {normal(r) for r in extras}
    declared = {normal(r) for r in project["project"]["dependencies"]} | optional
    assert foreign - declared == set()
    # What is optional, only modules that are not compiled import; nor needs the compiler what the
    # HTTP API is made of.
    building = {normal(r) for r in project["build-system"]["requires"]}
    compiled = [path for path in MODULES if path.relative_to(SRC).parts[0] not in UNCOMPILED]
    needed = {m.split(".")[0] for path in compiled for m in imported(ast.parse(path.read_text()))}
    assert (foreign & {normal(m) for m in needed}) - optional - building == set()


def normal(requirement: str) -> str:
    """The bare name: ``mypy[mypyc]==2.4.1`` is ``mypy``."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


@pytest.mark.skipif("LEVERET_EXPECT" not in os.environ, reason="set by make check and make test")
def test_src_is_out_of_reach_when_the_installed_package_is_tested() -> None:
    """That what is imported is compiled, tests/conftest.py has seen to already."""
    spec = importlib.util.find_spec("leveret")
    assert spec is not None and spec.origin is not None
    comes_from_here = SRC in Path(spec.origin).parents
    assert comes_from_here == (os.environ["LEVERET_EXPECT"] == "interpreted"), spec.origin
    if not comes_from_here:
        assert str(SRC.parent) not in sys.path


# --------------------------------------------------------------------------- the rules catch faults

LONG = "def f() -> None:\n" + "    x = 1\n" * FUNCTION_LINES
MANY = "def f(" + ", ".join(f"a{i}: int" for i in range(PARAMETERS + 1)) + ") -> None: ..."
DEEP = "def f():\n" + "".join("    " * n + "if x:\n" for n in range(1, 6)) + "    " * 6 + "pass\n"

FAULTS: list[tuple[Rule, str, str]] = [
    (imports_point_down, "broker/queue.py", "from leveret.amqp091.session import Session"),
    (imports_point_down, "broker/queue.py", "import leveret.server"),
    (imports_point_down, "amqp091/session.py", "from leveret.net.connection import Connection"),
    (imports_point_down, "errors.py", "from leveret.octets import read_u16"),
    (imports_point_down, "tables.py", "from leveret.config.settings import Settings"),
    (imports_point_down, "net/listener.py", "from leveret import Broker"),
    (imports_point_down, "odds/ends.py", ""),
    (the_world_stays_outside, "broker/queue.py", "import time"),
    (the_world_stays_outside, "amqp091/session.py", "from asyncio import sleep"),
    (imports_stand_at_the_top, "net/listener.py", "def f():\n    import ssl"),
    (no_imports_for_types_only, "broker/queue.py", "from typing import TYPE_" + "CHECKING"),
    (packages_are_empty, "broker/__init__.py", "from leveret.broker.queue import Queue"),
    (modules_say_what_they_are, "broker/queue.py", "x = 1"),
    (files_are_short, "src/leveret/a.py", "x = 1\n" * (FILE_LINES + 1)),
    (functions_are_short, "broker/queue.py", LONG),
    (parameters_are_few, "broker/queue.py", MANY),
    (nesting_is_shallow, "broker/queue.py", DEEP),
    (isinstance_is_for_what_is_not_abstract, "management/a.py", "isinstance(x, ClassicQueue)"),
    (isinstance_is_for_what_is_not_abstract, "cli/a.py", "isinstance(x, str | Exchange)"),
    (nothing_foreign, "README.md", f"see {FOREIGN[0]}main"),
    (nothing_foreign, "Dockerfile", f"pip install -i https://{FOREIGN[5]}/simple"),
    (lines_end_clean, "README.md", "a \n"),
    (lines_end_clean, "README.md", "a"),
    (links_lead_somewhere, "README.md", "[here](docs/nowhere.md#top)"),
]

FINE: list[tuple[Rule, str, str]] = [
    (imports_point_down, "broker/queue.py", "from leveret.broker.message import Message"),
    (imports_point_down, "tables.py", "from leveret.octets import read_u16"),
    (imports_point_down, "cli/serve.py", "from leveret.server import Server"),
    (the_world_stays_outside, "net/listener.py", "import asyncio"),
    (imports_stand_at_the_top, "cli/main.py", "def f():\n    import leveret.cli.serve"),
    (packages_are_empty, "__init__.py", "from leveret.embedded import Broker"),
    (parameters_are_few, "cli/serve.py", "@click.command()\n" + MANY),
    (nesting_is_shallow, "a.py", "def f():\n    if a: b\n" + "    elif c: d\n" * 9),
    (isinstance_is_for_what_is_not_abstract, "broker/a.py", "isinstance(x, ClassicQueue)"),
    (isinstance_is_for_what_is_not_abstract, "management/a.py", "isinstance(x, str | Login)"),
    (nothing_foreign, "tools/do", "#!" + FOREIGN[3] + "python"),
    (links_lead_somewhere, "README.md", "[a](LICENSE) [b](https://example.org/c) [d](#top)"),
]


@pytest.mark.parametrize(("rule", "name", "text"), FAULTS, ids=[f[0].__name__ for f in FAULTS])
def test_a_fault_is_found(rule: Rule, name: str, text: str) -> None:
    assert rule(name, text) != []


@pytest.mark.parametrize(("rule", "name", "text"), FINE, ids=[f[0].__name__ for f in FINE])
def test_what_is_fine_passes(rule: Rule, name: str, text: str) -> None:
    assert rule(name, text) == []
