"""Text of LookML -> a tree and plain values, by ``lkml``; what ``lkml`` passes over or does not place is an error here.

Assumed: in quoted text a backslash goes before a quote or another backslash that is meant as itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lkml.keys import PLURAL_KEYS
from lkml.lexer import Lexer
from lkml.parser import Parser
from lkml.simple import DictVisitor
from lkml.tokens import ExpressionBlockToken, QuotedLiteralToken, StreamEndToken
from lkml.tree import QuotedSyntaxToken

if TYPE_CHECKING:
    from lkml.tree import DocumentNode, SyntaxToken

_ESCAPED = re.compile(r'\\(["\\])')


class MisreadError(Exception):
    """The text is no LookML: why, and in which line."""

    def __init__(self, message: str, line: int) -> None:
        self.message = message
        self.line = line
        super().__init__(message, line)


def parse(text: str) -> tuple[DocumentNode, dict[str, Any]]:
    """Parse the text of a file: its tree, and the plain values in it.

    Raises
    ------
    MisreadError
        The first mistake.
    """
    lexer = _Lexer(text)
    parser = Parser(lexer.scan())
    try:
        tree = parser.parse()
        content: dict[str, Any] = _Visitor().visit(tree)  # type: ignore[no-untyped-call]
    except SyntaxError as exc:
        line = re.search(r"line (\d+)", str(exc))
        raise MisreadError(str(exc), int(line[1]) if line else 1) from exc
    except KeyError as exc:
        raise _repeated(parser, str(exc).split('"')[1]) from exc
    except RecursionError as exc:
        message = "blocks are nested deeper than can be read"
        raise MisreadError(message, 1) from exc
    if lexer.index < len(text):
        message = "a character NUL, which is no text"
        raise MisreadError(message, lexer.line_number)
    if not parser.check(StreamEndToken, skip_trivia=True):
        message = "'}' closes nothing; take it away, or open a block before it"
        raise MisreadError(message, parser.peek().line_number)
    return tree, content


def _repeated(parser: Parser, key: str) -> MisreadError:
    """Find a parameter that lkml met for the second time in the block that it had just read."""
    before = reversed(parser.tokens[: parser.index])
    line = next((token.line_number for token in before if getattr(token, "value", None) == key), 1)
    return MisreadError(f"parameter {key!r} is given twice in one block", line)


class _Lexer(Lexer):
    """Cuts text into tokens, and tells where one begins that never ends."""

    def peek_multiple(self, length: int) -> str:
        found = super().peek_multiple(length)
        if found.startswith(";") and found != ";;":
            message = "a single ';'; an expression ends in ';;'"
            raise MisreadError(message, self.line_number)
        return found

    def scan_expression_block(self) -> ExpressionBlockToken:
        begin, end = self.index, self.text.find(";;", self.index)
        if end < 0:
            message = "the expression that begins here never ends; is a ';;' missing?"
            raise MisreadError(message, self.line_number)
        self.line_number += self.text.count("\n", begin, end)
        self.index = end
        return ExpressionBlockToken(self.text[begin:end], self.line_number)

    def scan_quoted_literal(self) -> QuotedLiteralToken:
        line = self.line_number
        try:
            return super().scan_quoted_literal()
        except IndexError as exc:
            message = "the text that begins here never ends; is a '\"' missing?"
            raise MisreadError(message, line) from exc


class _Visitor(DictVisitor):
    """Makes plain values of a tree: quoted text without its backslashes, nothing said twice."""

    def visit(self, document: DocumentNode) -> dict[str, Any]:
        seen: set[str] = set()
        for item in document.container.items:
            if item.type.value in seen:
                message = f"parameter {item.type.value!r} is given twice in one file"
                raise MisreadError(message, item.line_number or 1)
            seen.update({item.type.value} - set(PLURAL_KEYS))
        return super().visit(document)

    def visit_token(self, token: SyntaxToken) -> str:
        text = super().visit_token(token)
        return _ESCAPED.sub(r"\1", text) if isinstance(token, QuotedSyntaxToken) else text
