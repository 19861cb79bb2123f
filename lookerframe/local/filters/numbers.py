"""Filters on numbers: ``5``, ``>5 AND <=9``, ``5 to 10``, ``[1,5)``, ``NOT 5``, ``NULL``, and lists with commas or OR.

Source: "Looker filter expressions", Number. A NOT at the beginning is about every value of the list, as in
``NOT 66, 99, 4``; one further on is about its own value only, so what follows it must say NOT or IS for itself:
sources disagree on ``23, NOT 42, 43``, which is refused. An interval in brackets never takes over a NOT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lookerframe.local.filters.errors import FilterError
from lookerframe.local.filters.predicates import HOLE, IS_NOT_NULL, IS_NULL, Predicate, among, combined, or_null

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_COMPARISON = rf"(?:>=|<=|>|<)\s*{_NUMBER}"
_TERM = re.compile(
    rf"""\s*(?P<negative>(?:NOT(?![a-z])|!=|<>)\s*)?
    (?: (?P<open>[\[(])\s*(?P<low>{_NUMBER}|-inf)?\s*,\s*(?P<high>{_NUMBER}|inf)?\s*(?P<close>[\])])
      | (?P<chain>{_COMPARISON}(?:\s+AND\s+{_COMPARISON})*)
      | (?P<first>{_NUMBER})?\s*\bTO\b\s*(?P<last>{_NUMBER})?
      | (?P<null>NULL)
      | (?P<number>{_NUMBER})
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_SEPARATOR = re.compile(r",|OR(?![a-z])", re.IGNORECASE)
_LINK = re.compile(r"\s+AND\s+", re.IGNORECASE)
_SYMBOL = re.compile(r"[<>=]+")


@dataclass(frozen=True, slots=True)
class _Term:
    """One item of the list: a number as written, or a test; `bracketed` if it is an interval."""

    negative: bool
    number: str = ""
    test: str = ""
    bracketed: bool = False


def read_numbers(text: str) -> Predicate | None:
    """Read a filter on a number."""
    if not text.strip():
        return None
    terms = _spread(text, _terms(text))
    numbers = list(dict.fromkeys(term.number for term in terms if term.number and not term.negative))
    includes = [among(numbers)] if numbers else []
    includes += [term.test for term in terms if term.test and not term.negative]
    return Predicate.of(combined(includes, [_negated(term) for term in terms if term.negative]))


def _terms(text: str) -> list[_Term]:
    found: list[_Term] = []
    place = 0
    while True:
        match = _TERM.match(text, place)
        if match is None:
            raise _refused(text, text[place:])
        found.append(_term(text, match))
        place = match.end()
        if place == len(text):
            return found
        separator = _SEPARATOR.match(text, place)
        if separator is None:
            raise _refused(text, text[place:])
        place = separator.end()


def _term(text: str, match: re.Match[str]) -> _Term:
    negative = bool(match["negative"])
    if match["number"]:
        return _Term(negative, number=match["number"])
    if match["null"]:
        return _Term(negative, test=IS_NULL)
    if match["chain"]:
        tests = [_SYMBOL.sub(lambda symbol: f"{symbol[0]} ", item, count=1) for item in _LINK.split(match["chain"])]
        return _Term(negative, test=_all([re.sub(r"\s+", " ", item) for item in tests]))
    bracketed = bool(match["open"])
    low, high = (match["low"], match["high"]) if bracketed else (match["first"], match["last"])
    tests = []
    if low and low.lower() != "-inf":
        tests.append(f"{'>' if match['open'] == '(' else '>='} {low}")
    if high and high.lower() != "inf":
        tests.append(f"{'<' if match['close'] == ')' else '<='} {high}")
    if not tests:
        raise _refused(text, match[0].strip())
    return _Term(negative, test=_all(tests), bracketed=bracketed)


def _spread(text: str, terms: list[_Term]) -> list[_Term]:
    """Let a NOT at the beginning be about the whole list."""
    everywhere = terms[0].negative
    spread: list[_Term] = []
    for term in terms:
        after_not = bool(spread) and spread[-1].negative
        if not term.negative and not term.bracketed and after_not:
            if not everywhere:
                met = "a value after NOT, where it is open whether it is meant too; write NOT before each"
                raise FilterError(f"number filter {text!r} has {met}")
            spread.append(_Term(negative=True, number=term.number, test=term.test))
        else:
            spread.append(term)
    return spread


def _negated(term: _Term) -> str:
    if term.number:
        return or_null(f"({HOLE} ) <> {term.number}")
    return IS_NOT_NULL if term.test == IS_NULL else or_null(f"NOT ({term.test})")


def _all(tests: list[str]) -> str:
    return f"({' AND '.join(f'({HOLE} ) {test}' for test in tests)})" if len(tests) > 1 else f"({HOLE} ) {tests[0]}"


def _refused(text: str, rest: str) -> FilterError:
    return FilterError(
        f"number filter {text!r} cannot be read at {rest.strip()[:40]!r}; understood: 5, >5 AND <=9, 5 to 10, [1,5), "
        "(500,inf), NULL, NOT before any of these, and lists of them with commas or OR"
    )
