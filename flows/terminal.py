"""Tables on a terminal or in a pipe: a name is copied from there into the next command, so it stays whole."""

from rich.console import Console
from rich.table import Table

_ANY_WIDTH = 10_000  # columns, more than any table of ours needs


def print_table(table: Table) -> None:
    """Print a table of names and figures, beyond the edge of the terminal rather than with broken ones."""
    console = Console()
    whole = console.measure(table, options=console.options.update_width(_ANY_WIDTH)).maximum
    console.width = max(console.width, whole)
    console.print(table)
