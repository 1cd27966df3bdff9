"""Filling in variables: what is known is put in, what is not stays as written."""

from parola.conversation.prompt import fill_in, fill_in_all, names_in, spoken_time, utc_time


def lookup(name: str) -> str | None:
    return {"name": "Ann", "system__time": "noon"}.get(name)


def test_known_variables_are_filled_in_and_others_stay():
    assert fill_in("Hi {{name}}, {{ name }}, {{Name}}, {{1}}", lookup) == "Hi Ann, Ann, {{Name}}, {{1}}"


def test_every_text_of_a_script_is_filled_in():
    script = {"rules": [{"when": "/(.*)/", "say": "{{name}} said {{1}}", "once": True}], "default": "{{system__time}}"}
    assert fill_in_all(script, lookup) == {
        "rules": [{"when": "/(.*)/", "say": "Ann said {{1}}", "once": True}],
        "default": "noon",
    }


def test_names_come_once_and_in_order():
    assert names_in("{{b}} {{a}} {{b}}") == ["b", "a"]


def test_times_are_said_in_the_agents_timezone():
    assert spoken_time(1_765_539_180, "Europe/Berlin") == "Friday, 12:33 12 December 2025"
    assert spoken_time(1_765_539_180, "Nowhere/Land") == "Friday, 11:33 12 December 2025"
    assert utc_time(1_765_539_180) == "2025-12-12T11:33:00+00:00"
