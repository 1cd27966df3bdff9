"""Pronunciation dictionaries: made from rules or a file, changed version by version, read as they were written."""

from __future__ import annotations

from typing import Any

import pytest
from elevenlabs import ElevenLabs
from elevenlabs.pronunciation_dictionaries import (
    BodyAddAPronunciationDictionaryV1PronunciationDictionariesAddFromRulesPostRulesItem_Alias as AliasItem,
)
from starlette.testclient import TestClient

from parola.api.pronunciation_dictionaries import MOST_VERSIONS
from parola.protocol.pronunciation import read_pls, rules_of, write_pls
from tests.conftest import RunningServer

PATH = "/v1/pronunciation-dictionaries"
UN = {"type": "alias", "string_to_replace": "UN", "alias": "United Nations", "x_unknown": 12345678901234567890}
TOMATO = {"type": "phoneme", "string_to_replace": "tomato", "phoneme": "təˈmɑːtoʊ", "alphabet": "ipa"}

FILE = """<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="cmu-arpabet" xml:lang="en-GB">
  <lexeme><grapheme>UN</grapheme><grapheme>U.N.</grapheme><alias>United Nations</alias></lexeme>
  <lexeme><grapheme>apple</grapheme><phoneme>AE P AH L</phoneme></lexeme>
</lexicon>
"""


def create(client: TestClient, name: str = "Names", *rules: dict[str, Any]) -> dict[str, Any]:
    response = client.post(f"{PATH}/add-from-rules", json={"name": name, "rules": list(rules or (UN, TOMATO))})
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


def test_rules_come_back_as_they_were_written(client: TestClient) -> None:
    made = create(client)
    assert made["name"] == "Names" and made["version_rules_num"] == 2
    got = client.get(f"{PATH}/{made['id']}").json()
    assert got["rules"] == [UN, TOMATO]
    assert got["latest_version_id"] == made["version_id"] and got["latest_version_rules_num"] == 2


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ([{"type": "alias", "string_to_replace": "UN"}], "alias"),
        ([{"type": "song", "string_to_replace": "UN"}], "type"),
        ([{"type": "alias", "string_to_replace": "", "alias": "x"}], "string_to_replace"),
    ],
)
def test_a_rule_that_says_nothing_is_refused(client: TestClient, rules: list[Any], where: str) -> None:
    response = client.post(f"{PATH}/add-from-rules", json={"name": "Names", "rules": rules})
    assert response.status_code == 422 and where in response.text


def test_every_change_is_a_version_and_a_version_stays(client: TestClient) -> None:
    made = create(client)
    path = f"{PATH}/{made['id']}"
    us = {"type": "alias", "string_to_replace": "UN", "alias": "you enn"}
    eu = {"type": "alias", "string_to_replace": "EU", "alias": "European Union"}
    added = client.post(f"{path}/add-rules", json={"rules": [eu, us]}).json()
    assert added["id"] == made["id"] and added["version_rules_num"] == 3
    assert client.get(path).json()["rules"] == [us, TOMATO, eu]
    assert client.post(f"{path}/remove-rules", json={"rule_strings": ["tomato", "?"]}).json()["version_rules_num"] == 2
    assert client.get(path).json()["rules"] == [us, eu]
    client.post(f"{path}/set-rules", json={"rules": [TOMATO]})
    assert client.get(path).json()["rules"] == [TOMATO]
    first = client.get(f"{path}/{made['version_id']}/download")
    assert "<alias>United Nations</alias>" in first.text
    assert client.get(f"{path}/pdv_unknown/download").status_code == 404


def test_old_versions_are_forgotten_in_time(client: TestClient) -> None:
    made = create(client)
    for _ in range(MOST_VERSIONS):
        client.post(f"{PATH}/{made['id']}/set-rules", json={"rules": [TOMATO]})
    assert client.get(f"{PATH}/{made['id']}/{made['version_id']}/download").status_code == 404
    assert rules_of({"versions": [{"version_id": "b", "rules": [TOMATO]}]}, "a") == [TOMATO]


def test_a_file_becomes_rules_and_a_file_again(client: TestClient) -> None:
    made = client.post(f"{PATH}/add-from-file", data={"name": "File"}, files={"file": ("a.pls", FILE)}).json()
    rules = client.get(f"{PATH}/{made['id']}").json()["rules"]
    assert rules == [
        {"type": "alias", "string_to_replace": "UN", "alias": "United Nations"},
        {"type": "alias", "string_to_replace": "U.N.", "alias": "United Nations"},
        {"type": "phoneme", "string_to_replace": "apple", "phoneme": "AE P AH L", "alphabet": "cmu-arpabet"},
    ]
    assert read_pls(write_pls(rules).encode()) == rules


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("no xml", "it is no XML"),
        ("<html/>", "expected <lexicon>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><lexicon/>', "document type"),
    ],
)
def test_a_file_that_is_no_lexicon_is_refused(client: TestClient, content: str, why: str) -> None:
    response = client.post(f"{PATH}/add-from-file", data={"name": "File"}, files={"file": ("a.pls", content)})
    assert response.status_code == 400 and why in response.text


def test_archived_dictionaries_are_listed_only_when_asked_for(client: TestClient) -> None:
    first, second = create(client, "b"), create(client, "A")
    changed = client.patch(f"{PATH}/{first['id']}", json={"archived": True, "name": "old"}).json()
    assert changed["name"] == "old" and changed["archived_time_unix"] > 0

    def listed(**params: Any) -> list[str]:
        answer = client.get(PATH, params=params).json()
        assert answer["has_more"] is False
        return [one["id"] for one in answer["pronunciation_dictionaries"]]

    assert listed() == [second["id"]]
    assert listed(include_archived=True, sort="name", sort_direction="ascending") == [second["id"], first["id"]]
    assert client.patch(f"{PATH}/{first['id']}", json={"archived": False}).json()["archived_time_unix"] is None
    assert listed() == [second["id"], first["id"]]
    assert client.get(f"{PATH}/pd_unknown").status_code == 404


def test_the_python_sdk_works_with_dictionaries(server: RunningServer) -> None:
    dictionaries = ElevenLabs(api_key="anything", base_url=server.base_url).pronunciation_dictionaries
    rule = AliasItem(string_to_replace="UN", alias="United Nations", case_sensitive=False)
    made = dictionaries.create_from_rules(name="Names", rules=[rule], description="Short")
    assert made.description == "Short" and made.version_rules_num == 1
    from_file = dictionaries.create_from_file(name="File", file=FILE.encode())
    added = dictionaries.rules.add(made.id, rules=[{"type": "alias", "string_to_replace": "EU", "alias": "Union"}])
    got = dictionaries.get(made.id)
    assert got.latest_version_id == added.version_id
    assert [(one.string_to_replace, one.type) for one in got.rules] == [("UN", "alias"), ("EU", "alias")]
    assert got.rules[0].case_sensitive is False
    assert dictionaries.rules.remove(made.id, rule_strings=["EU"]).version_rules_num == 1
    listed = dictionaries.list(sort="name", sort_direction="ascending")
    assert [one.id for one in listed.pronunciation_dictionaries] == [from_file.id, made.id]
    assert b"".join(dictionaries.download(made.id, made.version_id)).startswith(b"<?xml")
    assert dictionaries.update(made.id, archived=True).archived_time_unix
