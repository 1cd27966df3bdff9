"""The examples of workflows and transfers are run: a conversation that begins with them does what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from parola.conversation.workflow import CONDITIONS, NODES, read
from tests.conversation.relays import arrives, built_in, subagent_arrives, wanted
from tests.docs.snippets import block
from tests.story import Story

DOCS = Path(__file__).parents[2] / "docs"


def test_the_example_of_a_workflow_can_be_held():
    workflow = json.loads(block("workflows.md", "json"))
    assert set(read(workflow).nodes) == {"start", "desk", "billing"}
    story = subagent_arrives(Story(workflow=workflow).connects()).asks("My bill is wrong")
    tool = story.replies[-1].request.tools[0]  # type: ignore[union-attr]
    assert tool.description.endswith("The user asks about a bill")
    subagent_arrives(story.agent_calls(tool.name))
    assert "Answer questions about bills." in story.replies[-1].request.messages[0]["content"]  # type: ignore[union-attr]
    assert story.replies[-1].request.tools[0].description.endswith("something else")  # type: ignore[union-attr]


def test_every_node_and_condition_is_explained():
    rows = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "workflows.md").read_text("utf-8"), re.MULTILINE))
    assert rows == NODES | CONDITIONS


def test_the_example_of_a_transfer_can_be_held():
    params = json.loads(block("system-tools.md", "json"))["params"]
    tool = built_in("transfer_to_agent", transfers=params["transfers"])
    story = Story(tools=[tool]).connects().asks("I want to buy").agent_calls(("transfer_to_agent", {"agent_number": 0}))
    assert wanted(story).transfer.agent_id == "AGENT_ID"
    arrives(story, first_message="Sales here.").agent_says(seconds=1)
    assert [words for role, words in story.told if words] == ["I want to buy", "One moment, I will hand you over."]
    assert story.replies[-1].verbatim == "Sales here."
