"""Personal details are recognised by their form, and nothing else is taken for one."""

from typing import Any

import orjson
import pytest

from parola.privacy import redaction
from parola.privacy.entities import UNKNOWN, find, not_recognised, redacted
from parola.privacy.names import MARGIN, PIECE, introduced
from parola.privacy.policy import Policy

DETAILS = [
    ("write to jo.doe+x@mail.example.com, please", "write to [EMAIL_ADDRESS], please"),
    ("my card is 4111 1111 1111 1111 thanks", "my card is [PAYMENT_CARD_NUMBER] thanks"),
    ("order 12 4111111111111111", "order 12 [PAYMENT_CARD_NUMBER]"),
    ("4111 1111 1111 1112 has a wrong checksum", "4111 1111 1111 1112 has a wrong checksum"),
    ("expires 12/27, cvv 123", "expires [PAYMENT_CARD_EXPIRATION_DATE], cvv [PAYMENT_CARD_CVV]"),
    ("IBAN DE89 3704 0044 0532 0130 00 thanks a lot", "IBAN [BANK_ACCOUNT_NUMBER] thanks a lot"),
    ("GB82WEST12345698765432", "[BANK_ACCOUNT_NUMBER]"),
    ("our BIC is DEUTDEFF", "our BIC is [SWIFT_BIC_CODE]"),
    ("routing number 021000021", "routing number [BANK_ROUTING_NUMBER]"),
    ("from 192.168.1.10 and fe80::1", "from [DEVICE_ID] and [DEVICE_ID]"),
    ("00:1A:2B:3C:4D:5E", "[DEVICE_ID]"),
    ("call +49 30 901820 now", "call [CONTACT_NUMBER] now"),
    ("call 030 9018 2000", "call [CONTACT_NUMBER]"),
    ("(415) 555-2671 it is", "[CONTACT_NUMBER] it is"),
    ("SSN 123-45-6789", "SSN [GOVERNMENT_ISSUED_ID]"),
    ("SSN 666-45-6789", "SSN 666-45-6789"),
    ("DNI 12345678Z", "DNI [GOVERNMENT_ISSUED_ID]"),
    ("NINO AB123456C", "NINO [GOVERNMENT_ISSUED_ID]"),
    ("RSSMRA85T10A562S", "[GOVERNMENT_ISSUED_ID]"),
    ("Steuer-ID 86 095 742 719", "Steuer-ID [GOVERNMENT_ISSUED_ID]"),
    ("NIR 1 85 05 78 006 084 91", "NIR [GOVERNMENT_ISSUED_ID]"),
    ("VIN 1HGCM82633A004352", "VIN [VEHICLE_ID]"),
    ("born on 12.05.1980 in Bern", "born on [DOB] in Bern"),
    ("on March 3rd, 2024", "on [DATE]"),
    ("see https://example.com/a?b=c and", "see [URL] and"),
    ("at 52.5200, 13.4050", "at [LOCATION_COORDINATE]"),
    ("at 52.5200,13.4050 or 52.5200;-13.4050.", "at [LOCATION_COORDINATE] or [LOCATION_COORDINATE]."),
    ("card 4111.1111.1111.1111.", "card [PAYMENT_CARD_NUMBER]."),
    ("card 3782.822463.10005", "card [PAYMENT_CARD_NUMBER]"),
    ("card ４１１１１１１１１１１１１１１１, größer", "card [PAYMENT_CARD_NUMBER], größer"),
    ("card ４１１１　１１１１　１１１１　１１１１", "card [PAYMENT_CARD_NUMBER]"),
    ("card ٤١١١ ١١١١ ١١١١ ١١١١", "card [PAYMENT_CARD_NUMBER]"),
    ("mail jo＠example．com ①", "mail [EMAIL_ADDRESS] ①"),
    ("call +49\u00a030\u202f901820 now", "call [CONTACT_NUMBER] now"),
    ("jo dot doe at example dot com", "[EMAIL_ADDRESS]"),
    ("four one one one, one one one one, one one one one, one one one one", "[PAYMENT_CARD_NUMBER]"),
    ("call five five five oh one two three four", "call [CONTACT_NUMBER]"),
]
HARMLESS = [
    "It is 12:30:45, and costs 12.345.678 or 1,234.56 or 99.90",
    "order 20240102, ticket 1234567, since 1700000000",
    "two three tables for four people at seven",
    "conv_a1b2c3d4e5f6g7h8i9j0k1l2 and version 3.11.2",
    "look at the dot on the map",
    "pi is 3.141592653589793 and 4111.1111.1111.1112 and 12.345,67.890",
    "ﬁve ﬂats for ½ of ２ people",
]


@pytest.mark.parametrize(("text", "expected"), DETAILS, ids=[text for text, _ in DETAILS])
def test_a_detail_is_replaced_by_its_kind(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_a_little_like_one_stays(text: str) -> None:
    assert redacted(text) == text


def test_only_the_kinds_that_were_asked_for_are_replaced() -> None:
    text = "jo@example.com, 4111 1111 1111 1111"
    assert redacted(text, ("email_address",)) == "[EMAIL_ADDRESS], 4111 1111 1111 1111"
    assert redacted(text, ("financial_id",)) == "jo@example.com, [PAYMENT_CARD_NUMBER]"


def test_the_kinds_that_nothing_recognises_are_known() -> None:
    assert not_recognised(["name.name_given", "email_address", "financial_id", "medical"]) == ["medical"]
    assert not_recognised(UNKNOWN) == list(UNKNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "my name is Ada, " * 3000,
        "I'm " * 10_000,
        "it's uh, " * 10_000,
        "Mr " * 10_000,
        "1" * 50_000,
        "ab12" * 20_000,
        "a" * 50_000,
        "1 " * 30_000,
        "4111." * 10_000,
        "52.52001," * 10_000,
        "４１１１．" * 10_000,
        "a." * 30_000 + "@",
    ],
)
def test_no_text_takes_long(text: str) -> None:
    import time

    started = time.perf_counter()
    find(text, names=("Ada Byron", "Jo"))
    list(introduced(text, is_asked=True))
    assert time.perf_counter() - started < 5.0


POLICY = Policy(redacts=True, entities=("email_address", "financial_id"), excluded_data=("mail",))


def test_a_turn_is_redacted_wherever_somebody_elses_words_are() -> None:
    turn = {
        "role": "agent",
        "message": "I wrote to jo@example.com",
        "original_message": "I wrote to jo@example.com and more",
        "tool_calls": [
            {
                "request_id": "r@x.com",
                "tool_name": "mail",
                "params_as_json": '{"to":"jo@example.com","card":4111111111111111,"n":1}',
                "tool_details": {"url": "https://x", "body": "to=jo@example.com"},
            }
        ],
        "tool_results": [{"request_id": "r", "result_value": "sent to jo@example.com", "tool_latency_secs": 0.1}],
        "time_in_call_secs": 3,
        "created_at_unix_ms": 4111111111111111,
    }
    kept = redaction.turn(turn, POLICY)
    assert kept["message"] == "I wrote to [EMAIL_ADDRESS]"
    assert kept["original_message"] == "I wrote to [EMAIL_ADDRESS] and more"
    (call,) = kept["tool_calls"]
    assert call["request_id"] == "r@x.com" and call["tool_name"] == "mail"
    assert call["params_as_json"] == '{"to":"[EMAIL_ADDRESS]","card":"[PAYMENT_CARD_NUMBER]","n":1}'
    assert call["tool_details"]["body"] == "to=[EMAIL_ADDRESS]"
    assert kept["tool_results"][0]["result_value"] == "sent to [EMAIL_ADDRESS]"
    assert kept["created_at_unix_ms"] == 4111111111111111


def test_what_others_have_named_like_fields_of_ours_is_redacted_too() -> None:
    policy = Policy(redacts=True, names=("Ada Byron",))
    mail, clean_mail = "ada@example.com", "[EMAIL_ADDRESS]"
    variables = {"name": "Ada Byron", "customer_id": mail, "type": mail, "system__caller_id": "+4930901820"}
    parameters = {"status": mail, "who": [{"name": "Ada Byron"}]}
    found = {"data_collection_id": "name", "value": "Ada Byron", "rationale": f"She is Ada Byron, {mail}"}
    kept = redaction.fragment(
        {
            "conversation_initiation_client_data": {"dynamic_variables": variables},
            "tool_calls": [{"tool_name": "Ada Byron", "tool_details": {"parameters": parameters}}],
            "tool_results": [{"type": "system", "result": {"role": mail}}],
            "analysis": {"data_collection_results": {"name": found}, "evaluation_criteria_results": {"status": found}},
        },
        policy,
    )
    assert kept["conversation_initiation_client_data"]["dynamic_variables"] == {
        "name": "[NAME]",
        "customer_id": clean_mail,
        "type": clean_mail,
        "system__caller_id": "[CONTACT_NUMBER]",
    }
    (call,), (result,) = kept["tool_calls"], kept["tool_results"]
    assert call["tool_name"] == "Ada Byron", "that is a name of ours"
    assert call["tool_details"]["parameters"] == {"status": clean_mail, "who": [{"name": "[NAME]"}]}
    assert result == {"type": "system", "result": {"role": clean_mail}}
    clean = {"data_collection_id": "name", "value": "[NAME]", "rationale": f"She is [NAME], {clean_mail}"}
    assert kept["analysis"]["data_collection_results"] == {"name": clean}
    assert kept["analysis"]["evaluation_criteria_results"] == {"status": clean}


def test_an_excluded_value_of_the_analysis_stays_and_its_rationale_does_not() -> None:
    result = {"data_collection_id": "mail", "value": "jo@example.com", "rationale": "said jo@example.com"}
    other = {"data_collection_id": "other", "value": "jo@example.com", "rationale": "x"}
    analysis = {
        "transcript_summary": "jo@example.com called",
        "data_collection_results": {"mail": result, "other": other},
        "data_collection_results_list": [result, other],
    }
    kept = redaction.fragment({"analysis": analysis}, POLICY)["analysis"]
    assert kept["transcript_summary"] == "[EMAIL_ADDRESS] called"
    for one in (kept["data_collection_results"]["mail"], kept["data_collection_results_list"][0]):
        assert (one["value"], one["rationale"]) == ("jo@example.com", "said [EMAIL_ADDRESS]")
    for one in (kept["data_collection_results"]["other"], kept["data_collection_results_list"][1]):
        assert one["value"] == "[EMAIL_ADDRESS]"


def test_of_a_detail_that_was_cut_off_the_beginning_is_not_kept_either() -> None:
    turn = {"role": "agent", "message": "It is jo.doe@ex...", "original_message": "It is jo.doe@example.com. Bye"}
    kept = redaction.turn(turn, POLICY)
    assert kept["message"] == "It is [EMAIL_ADDRESS]..."
    assert kept["original_message"] == "It is [EMAIL_ADDRESS]. Bye"


def test_an_event_log_keeps_no_detail_not_even_in_pieces() -> None:
    events: list[dict[str, Any]] = [
        {"type": "user_transcript", "user_transcription_event": {"user_transcript": "I am jo@example.com"}},
        {"type": "agent_chat_response_part", "text_response_part": {"text": "jo@exa", "type": "delta"}},
        {
            "type": "agent_response_correction",
            "agent_response_correction_event": {
                "original_agent_response": "You are jo@example.com, right",
                "corrected_agent_response": "You are jo@exa...",
            },
        },
        {"type": "agent_response", "agent_response_event": {"agent_response": "Good morning", "event_id": 1}},
    ]
    log = b"".join(orjson.dumps({"seq": seq, "event": event}) + b"\n" for seq, event in enumerate(events, 1))
    kept = redaction.event_lines(log, POLICY)
    assert b"jo@" not in kept and kept.count(b"[EMAIL_ADDRESS]") == 3
    assert [orjson.loads(line)["seq"] for line in kept.splitlines()] == [1, 2, 3, 4]
    assert orjson.loads(kept.splitlines()[3])["event"] == events[3]


def test_a_long_text_is_looked_through_in_pieces_and_no_detail_is_lost_between_them() -> None:
    rows = "Mail ada@example.com or call +44 20 7946 0958, card 4111 1111 1111 1111, her name is Ada Byron. "
    text = rows * (3 * PIECE // len(rows))
    short = redacted(rows, (), ("Ada Byron",))
    assert redacted(text, (), ("Ada Byron",)) == short * (3 * PIECE // len(rows))
    for shift in range(0, 24, 3):  # an address lies across the end of a piece, a bit further each time
        moved = ("tea " * PIECE)[-PIECE + shift :] + "ada@example.com, my name is Ada Byron." + " tea" * PIECE
        assert "ada@example.com" not in redacted(moved) and "[EMAIL_ADDRESS], my name" in redacted(moved)
        assert list(introduced(moved)) == ["Ada Byron"]
    assert list(introduced(("tea " * PIECE)[: PIECE - MARGIN] + "I am Ada Byron. " + "tea " * PIECE)) == []


def test_ids_that_others_make_up_are_text_like_any_other() -> None:
    policy = Policy(redacts=True)
    event = {"type": "client_tool_result", "tool_call_id": "jo@example.com", "result": "ok", "is_error": True}
    update = {"type": "contextual_update", "context_id": "call 415-555-2671", "text": "x"}
    entries = [{"seq": 1, "by": "client", "event": one} for one in (event, update)]
    kept = redaction.event_lines(b"\n".join(map(orjson.dumps, entries)), policy)
    assert [orjson.loads(line)["event"] for line in kept.splitlines()] == [
        event | {"tool_call_id": "[EMAIL_ADDRESS]"},
        update | {"context_id": "call [CONTACT_NUMBER]"},
    ]
