"""Which known text an unknown one most probably means."""

from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process, utils

LEAST = 60.0
"""Below this (of 100) two texts have next to nothing in common."""
CERTAIN = 100.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What an unknown text probably means, and how alike the texts are (0 to 1); a person decides."""

    meaning: str
    confidence: float


class Candidates:
    """Known texts and what each means; made once for any number of questions, because their plain forms are kept."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = [(utils.default_process(text), meaning) for text, meaning in meanings.items()]
        self._texts = [text for text, _ in self._meanings]

    def nearest(self, text: str) -> Suggestion | None:
        """The meaning of the most similar known text, whatever its case and punctuation; None where none is near.

        Similarity is rapidfuzz's `ratio` (normalised Indel distance) of the texts with their words sorted.
        """
        plain = utils.default_process(text)
        if not plain:
            return None
        found = process.extractOne(plain, self._texts, scorer=fuzz.token_sort_ratio, processor=None, score_cutoff=LEAST)
        if found is None:
            return None
        return Suggestion(self._meanings[found[2]][1], round(found[1] / CERTAIN, 2))


def likelier(*suggestions: Suggestion | None) -> Suggestion | None:
    """The one with most confidence; of equals the first."""
    found = [entry for entry in suggestions if entry is not None]
    return max(found, key=lambda entry: entry.confidence, default=None)
