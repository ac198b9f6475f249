"""Kinds of jobs, and the queues that they wait in."""

from collections.abc import Mapping
from typing import Literal

QUEUES = ("suggest", "cpu", "embed", "gpu")
"""A worker serves its queues in turn, so a selection never waits for thousands of embed jobs. Somebody waits
for a suggestion with a brush in hand: a worker of its own lets it wait for no other job."""
DELIVERIES = "deliver"
"""The queue of messages to webhooks. A worker of the queue `cpu` serves it in a thread, so no job waits for a
receiver that does not answer."""

Kind = Literal[
    "embed",
    "select",
    "explain",
    "replay",
    "search",
    "project",
    "train",
    "evaluate",
    "translate",
    "import",
    "export",
    "scenes",
    "delete",
    "pack",
    "deliver",
    "doctor",
    "suggest",
]

QUEUE_OF_KIND: Mapping[str, str] = {
    "embed": "embed",
    "suggest": "suggest",
    **dict.fromkeys(
        ("select", "explain", "replay", "search", "project", "translate", "import", "export", "scenes"), "cpu"
    ),
    **dict.fromkeys(("delete", "pack", "doctor"), "cpu"),
    "deliver": DELIVERIES,
    **dict.fromkeys(("train", "evaluate"), "gpu"),
}
UNRECORDED = ("embed", "search", "explain", "project", "delete", "suggest")
"""Kinds of jobs whose making is no act of its own: they follow from one, or only answer a question."""
