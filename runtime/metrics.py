"""What more than one service counts."""

from prometheus_client import Counter

DEAD_LETTERS = Counter(
    "framerail_dead_letters_total", "Records refused and put aside, by the stage.", ["stage"]
)
