"""Background and ratings: neither is a turn, neither interrupts."""

from parola.protocol.client_messages import ContextualUpdate, Feedback
from tests.story import Story, client_tool


def test_context_is_read_by_the_model_at_its_next_step():
    story = Story().connects().tell(ContextualUpdate(text="The user is on page 2"))
    assert story.replies == [] and story.latest == []
    story.asks("Which page?")
    assert story.messages[0] == {"role": "system", "content": "Context update: The user is on page 2"}


def test_context_does_not_interrupt():
    story = Story().connects().asks("Read").agent_says("soup and fish", seconds=4).wait(1)
    assert story.tell(ContextualUpdate(text="page 2")).latest == [] and story.phase == "speaking"


def test_newer_context_replaces_the_older_of_the_same_id():
    story = Story().connects()
    for page in ("page 1", "page 2"):
        story.tell(ContextualUpdate(text=page, context_id="page"), ContextualUpdate(text="always"))
    story.asks("Which page?")
    assert [m["content"] for m in story.messages[:3]] == [
        "Context update: always",
        "Context update: page 2",
        "Context update: always",
    ]
    assert [turn["contextual_update_info"] for turn in story.record[:3]] == [
        {"context_id": "page", "is_superseded": True},
        {"context_id": "", "is_superseded": False},
        {"context_id": "page", "is_superseded": False},
    ], "also one without an id: it is told from what the user typed"


def test_context_that_comes_while_a_tool_runs_stands_after_its_result():
    story = Story(tools=[client_tool("look_up")]).connects().asks("Order?").agent_calls("look_up")
    story.tell(ContextualUpdate(text="page 2")).client_answers("look_up", "ok")
    assert [m["role"] for m in story.messages] == ["user", "assistant", "tool", "system"]


def rated(score: str | None, event_id: int = 2) -> Feedback:
    return Feedback(event_id=event_id, score=score)


def heard() -> Story:
    return Story().connects().asks("Hello").agent_says("Hi").wait(1)


def test_a_reply_can_be_liked_and_disliked():
    assert heard().tell(rated("like")).record[1]["feedback"] == {"score": "like", "time_in_call_secs": 2}
    assert heard().tell(rated("dislike")).record[1]["feedback"]["score"] == "dislike"


def test_a_rating_can_be_changed_and_taken_back():
    story = heard().tell(rated("like")).tell(rated("dislike"))
    assert story.record[1]["feedback"]["score"] == "dislike"
    assert story.tell(rated(None)).record[1]["feedback"] is None


def test_any_past_reply_can_be_rated():
    story = heard().asks("And?").agent_says("That is all").wait(1).tell(rated("like", 2))
    assert [turn["feedback"] and turn["feedback"]["score"] for turn in story.record] == [None, "like", None, None]


def test_a_rating_of_nothing_means_nothing():
    assert heard().tell(rated("like", 99)).step == []
    assert heard().tell(rated("like", 1)).step == [], "what the user said has no rating"


def test_a_rating_of_a_turn_with_several_messages_goes_to_the_last():
    story = Story(tools=[client_tool("look_up")]).connects().asks("Order?").agent_calls("look_up", saying="Moment")
    story.client_answers("look_up", "ok").agent_says("It is here").tell(rated("like"))
    assert [turn["feedback"] is not None for turn in story.record] == [False, False, True]


def test_a_rating_that_comes_while_the_reply_is_written_is_kept_with_it():
    story = Story(text_only=True).connects().types("Hello").tell(rated("like"))
    assert len(story.record) == 1
    assert story.agent_says("Hi").record[1]["feedback"]["score"] == "like"


def test_rating_a_reply_twice_sends_nothing():
    assert heard().tell(rated("like")).tell(rated("like")).latest == []
