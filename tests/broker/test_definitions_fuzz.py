"""leveret.broker.definitions: whatever the document says, it is imported or refused."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.broker_documents import COMPLETE
from tests.fakes import new_node

from leveret.broker.definition_export import export_definitions
from leveret.broker.definitions import import_definitions
from leveret.errors import Invalid

ODD = st.sampled_from([None, True, -1, 0, 1 << 70, 1.5, "", "/", "v", "(", "x" * 300, [], {}, [1]])
KINDS = sorted(COMPLETE)


def outcome(document: object) -> str:
    """Import it, and see that the node can still tell what it has."""
    node = new_node()
    try:
        import_definitions(node, document)
        told = ""
    except Invalid as refused:
        told = refused.detail
    json.dumps(export_definitions(node))
    return told


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_a_thing_with_one_odd_value_is_imported_or_refused_with_its_place(
    kind: str, data: st.DataObject
) -> None:
    document = json.loads(json.dumps(COMPLETE))
    thing = data.draw(st.sampled_from(document[kind]))
    thing[data.draw(st.sampled_from(sorted(thing)))] = data.draw(ODD)
    told = outcome(document)
    assert told == "" or any(told.startswith(one) for one in KINDS)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*KINDS, "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=10,
        ),
    )
)
def test_any_json_is_imported_or_refused(document: dict[str, object]) -> None:
    outcome(document)
