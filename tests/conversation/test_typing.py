"""What the user writes is a finished turn, and takes the floor at once."""

from parola.conversation.events import Attachment, FilesShared
from parola.protocol.server_messages import AgentResponseCorrection, Interruption, UserTranscript
from tests.story import Story, client_tool

PICTURE = Attachment("file_1", "cat.png", "image/png", {"type": "image_url", "image_url": {"url": "data:cat"}})


def test_a_typed_message_is_answered_and_not_echoed():
    story = Story().connects().types("Hello")
    assert story.asked_llm_with("Hello") and story.latest == []
    assert story.record[0]["source_medium"] == "text"


def test_a_typed_message_interrupts_at_once():
    story = Story().connects().asks("Read").agent_says("soup, fish, bread, cake", seconds=4).wait(2).types("Fish")
    assert [type(m) for m in story.latest] == [Interruption, AgentResponseCorrection]
    assert story.asked_llm_with("Read", "Fish")


def test_a_typed_message_replaces_a_reply_in_the_making():
    story = Story().connects().types("One").types("Two")
    assert story.stopped_reply(1) and story.asked_llm_with("One", "Two") and story.latest == []


def test_a_message_without_text_is_a_signal_and_no_turn():
    story = Story().connects()
    assert story.types(None).step == [] and story.types("  ").step == []


def test_a_typed_message_waits_for_a_tool_and_is_answered_with_its_result():
    story = Story(tools=[client_tool("look_up")]).connects().types("My order?").agent_calls("look_up").types("Quick!")
    assert len(story.replies) == 1
    story.client_answers("look_up", "on its way")
    assert story.asked_llm_with("My order?", "Quick!") and story.tool_results == {"look_up": "on its way"}


def test_what_was_spoken_and_not_yet_taken_survives_a_typed_message():
    story = Story().connects().begins_to_speak().wait(1).falls_silent("I would like")
    story.types("the soup")
    assert story.told == [("user", "I would like"), ("user", "the soup")]
    assert story.asked_llm_with("I would like", "the soup")
    assert len(story.wait(1).replies) == 1


def test_what_is_still_being_said_comes_after_the_typed_message():
    story = Story().connects().begins_to_speak().wait(1).types("the soup").wait(1).falls_silent("I would like")
    story.wait(0.5)
    assert story.stopped_reply(1) and story.asked_llm_with("the soup", "I would like")


def test_files_are_one_turn_with_their_text():
    story = Story().connects().tell(FilesShared("What is this?", (PICTURE,)))
    assert story.messages == [
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, dict(PICTURE.content)]}
    ]
    turn = story.record[0]
    assert turn["source_medium"] == "file" and turn["message"] == "What is this?"
    assert turn["file_inputs"] == [
        {"file_id": "file_1", "original_filename": "cat.png", "mime_type": "image/png", "file_url": ""}
    ]


def test_a_file_alone_is_a_turn():
    story = Story().connects().tell(FilesShared("", (PICTURE,)))
    assert story.messages[0]["content"] == [dict(PICTURE.content)]


def test_files_that_could_not_be_fetched_leave_their_text():
    assert Story().connects().tell(FilesShared("What is this?", ())).asked_llm_with("What is this?")
    assert Story().connects().tell(FilesShared(" ", ())).step == []


def test_files_interrupt():
    story = Story().connects().asks("Read").agent_says("soup and fish", seconds=4).wait(1)
    assert story.tell(FilesShared("This", (PICTURE,))).latest[0] == Interruption(event_id=2)


def test_only_the_newest_files_are_shown_to_the_model():
    story = Story(files_in_memory=1).connects().tell(FilesShared("one", (PICTURE,))).agent_says("ok").wait(1)
    story.tell(FilesShared("two", (PICTURE,)))
    assert story.messages[0]["content"][1] == {"type": "text", "text": "[file cat.png, no longer shown]"}
    assert story.messages[2]["content"][1] == dict(PICTURE.content)


def test_in_a_voice_conversation_too_only_spoken_words_are_echoed():
    story = Story().connects().types("Hello").agent_says("Hi").wait(1).asks("Bye")
    assert story.sent_of(UserTranscript) == [UserTranscript(user_transcript="Bye", event_id=3)]
