"""What was answered lately, for a while and not without bound."""

from typing import Final, final

MAX_ANSWERS: Final = 10_000


@final
class Answer:
    """Yes or no, with what came along with a yes; good until ``until_ns``."""

    def __init__(self, is_yes: bool, words: list[str], reason: str, until_ns: int) -> None:
        self.is_yes: Final = is_yes
        self.words: Final = words
        self.reason: Final = reason
        self.until_ns: Final = until_ns


@final
class Memory:
    """Answers by question; the oldest are forgotten where there are too many."""

    def __init__(self) -> None:
        self._answers: Final[dict[str, Answer]] = {}

    def put(self, question: str, answer: Answer) -> None:
        """Remember ``answer``."""
        self._answers.pop(question, None)
        while len(self._answers) >= MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers[question] = answer

    def get(self, question: str, now_ns: int) -> Answer | None:
        """The answer to ``question`` if it is still good."""
        answer = self._answers.get(question)
        if answer is None or answer.until_ns <= now_ns:
            return None
        return answer
