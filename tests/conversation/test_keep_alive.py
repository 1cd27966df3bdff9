"""Pings: often at first, then every ten seconds; a pong tells how long a message takes."""

from parola.protocol.client_messages import Pong
from parola.protocol.server_messages import Ping
from tests.story import Story


def pings(story: Story) -> list[Ping]:
    return [message for message in story.sent if isinstance(message, Ping)]


def test_pings_come_often_at_first_then_every_ten_seconds():
    story = Story(turn_timeout_seconds=-1).connects()
    times = []
    for tenth in range(310):
        if any(isinstance(getattr(action, "message", None), Ping) for action in story.step):
            times.append(tenth / 10)
        story.wait(0.1)
    assert times == [0, 2, 5, 10, 20, 30]
    assert [ping.event_id for ping in pings(story)] == [1, 2, 3, 4, 5, 6, 7][: len(pings(story))]


def test_ping_ms_is_null_until_a_pong_was_seen_and_then_the_time_it_took():
    story = Story().connects().wait(0.045).tell(Pong(event_id=1)).wait(2)
    assert [ping.ping_ms for ping in pings(story)] == [None, 45]


def test_the_newest_pong_counts():
    story = Story().connects().wait(0.045).tell(Pong(event_id=1)).wait(1.955).wait(0.12).tell(Pong(event_id=2)).wait(3)
    assert pings(story)[-1].ping_ms == 120


def test_pongs_to_nothing_and_pongs_that_never_come_mean_nothing():
    story = Story(turn_timeout_seconds=-1, max_duration_seconds=7200).connects().tell(Pong(event_id=99))
    assert story.wait(600).close is None
    assert {ping.ping_ms for ping in pings(story)} == {None}


def test_a_pong_told_twice_counts_once():
    story = Story().connects().wait(0.045).tell(Pong(event_id=1)).wait(1).tell(Pong(event_id=1)).wait(1)
    assert pings(story)[-1].ping_ms == 45


def test_a_pong_to_a_ping_of_long_ago_says_nothing():
    story = Story(turn_timeout_seconds=-1).connects().wait(200).tell(Pong(event_id=1)).wait(10)
    assert pings(story)[-1].ping_ms is None


def test_pings_go_on_during_the_last_words():
    story = Story(max_duration_seconds=6, max_duration_message="Bye", turn_timeout_seconds=-1).connects().wait(20)
    assert len(pings(story)) == 5 and story.phase == "ending"
