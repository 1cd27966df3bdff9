"""Scores become utterances; the segmenter's clock is the audio it is fed."""

from parola.session.listening import Segmenter

WINDOW = 0.032


def events(*runs: tuple[float, int]) -> list[tuple[int, str]]:
    """(probability, how many windows) -> what happened at which window."""
    segmenter = Segmenter(WINDOW)
    told, position = [], 0
    for probability, count in runs:
        for _ in range(count):
            change = segmenter.score(probability)
            if change is not None:
                told.append((position, change))
            position += 1
    return told


def test_speech_starts_after_a_tenth_of_a_second_and_stops_after_two_tenths_of_silence():
    assert events((0.0, 10), (0.9, 20), (0.0, 10)) == [(12, "started"), (36, "stopped")]


def test_a_click_is_not_speech():
    assert events((0.0, 5), (0.9, 2), (0.0, 20)) == []


def test_a_short_gap_does_not_end_an_utterance():
    assert events((0.9, 10), (0.0, 6), (0.9, 10)) == [(2, "started")]


def test_doubtful_windows_go_on_with_what_was():
    assert events((0.4, 30)) == []
    assert events((0.9, 5), (0.4, 30)) == [(2, "started")]


def test_after_a_stop_speech_can_start_again():
    assert [change for _, change in events((0.9, 5), (0.0, 8), (0.9, 5))] == ["started", "stopped", "started"]
