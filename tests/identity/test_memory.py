"""leveret.identity.memory"""

from leveret.identity.memory import MAX_ANSWERS, Answer, Memory


def test_an_answer_is_good_for_its_time() -> None:
    memory = Memory()
    memory.put("q", Answer(True, ["tag"], "", 10))
    answer = memory.get("q", 9)
    assert answer is not None and answer.words == ["tag"]
    assert memory.get("q", 10) is None
    assert memory.get("other", 0) is None


def test_the_oldest_answers_are_forgotten() -> None:
    memory = Memory()
    for number in range(MAX_ANSWERS):
        memory.put(str(number), Answer(True, [], "", 10))
    memory.put("0", Answer(False, [], "", 10))
    memory.put("new", Answer(True, [], "", 10))
    assert memory.get("1", 0) is None
    again = memory.get("0", 0)
    assert again is not None and not again.is_yes
