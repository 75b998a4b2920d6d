"""Help that reads well at any width: paragraphs flow, examples stand as they are typed."""

import inspect
from typing import Any

from rich.markup import escape
from typer.core import TyperCommand, TyperGroup, TyperOption

EXAMPLES = "Examples:"


def legible(docstring: str) -> str:
    """Return a docstring as rich markup: a line a paragraph, and a line an example.

    Line breaks of the source say nothing about the reader's terminal; only those of a paragraph
    that begins with `Examples:` are kept.
    """
    first, *others = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join([_flowing(first), *(f"[not dim]{_paragraph(text)}[/]" for text in others)])


def _paragraph(text: str) -> str:
    if not text.startswith(EXAMPLES):
        return _flowing(text)
    _, *lines = text.splitlines()
    return "\n".join(["[bold]Examples[/bold]", *(_example(line) for line in lines)])


def _example(line: str) -> str:
    command, mark, why = line.strip().partition("  # ")
    comment = f"  [dim]# {escape(why)}[/dim]" if mark else ""
    return f"[cyan]  {escape(command)}[/cyan]{comment}"  # typer takes leading spaces away


def _flowing(text: str) -> str:
    return escape(" ".join(text.split()))


def _without_types_of_flags(params: list[Any]) -> list[Any]:
    for param in params:
        if isinstance(param, TyperOption) and param.is_flag and param.metavar is None:
            param.metavar = ""  # typer would write <bool>, which nobody can type
    return params


class LegibleCommand(TyperCommand):
    """A command whose help is made of its docstring by `legible`."""

    def __init__(self, *args: Any, help: str | None = None, **options: Any) -> None:
        super().__init__(*args, help=help and legible(help), **options)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments, flags without a type."""
        return _without_types_of_flags(super().get_params(ctx))


class LegibleGroup(TyperGroup):
    """A group of such commands; `help <command>` tells what `<command> --help` does."""

    def __init__(self, *, help: str | None = None, **options: Any) -> None:
        super().__init__(help=help and legible(help), **options)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments, flags without a type."""
        return _without_types_of_flags(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read `help`, `help up` and `help deadletter list` as people mean them."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)
