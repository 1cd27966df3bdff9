"""``/v1/user``: clients ask who they are; here everybody is the owner, and nothing is metered."""

from __future__ import annotations

from fastapi import APIRouter

from parola.api.described import described
from parola.api.responses import Json
from parola.api.services import needs_key
from parola.protocol.documents import JsonObject
from parola.protocol.workspace import UserResponse

router = APIRouter(prefix="/v1/user", tags=["user"], dependencies=[needs_key])

PLENTY = 1_000_000_000

SUBSCRIPTION: JsonObject = {
    "tier": "self_hosted",
    "character_count": 0,
    "character_limit": PLENTY,
    "max_credit_limit_extension": "unlimited",
    "can_extend_character_limit": False,
    "allowed_to_extend_character_limit": False,
    "next_character_count_reset_unix": None,
    "voice_slots_used": 0,
    "professional_voice_slots_used": 0,
    "professional_voice_slots_used_in_workspace": 0,
    "voice_limit": PLENTY,
    "voice_add_edit_counter": 0,
    "professional_voice_limit": 0,
    "can_extend_voice_limit": False,
    "can_use_instant_voice_cloning": False,
    "can_use_professional_voice_cloning": False,
    "current_overage": {"amount": "0", "currency": "usd"},
    "status": "active",
    "open_invoices": [],
    "has_open_invoices": False,
}

USER: JsonObject = {
    "user_id": "user_owner",
    "workspace_id": "workspace_own",
    "subscription": SUBSCRIPTION,
    "is_new_user": False,
    "xi_api_key": None,
    "can_use_delayed_payment_methods": False,
    "is_onboarding_completed": True,
    "is_onboarding_checklist_completed": True,
    "first_name": None,
    "created_at": 0,
    "seat_type": "workspace_admin",
}


@router.get("", operation_id="user_get")
@described(response=UserResponse)
async def get() -> Json:
    """The owner."""
    return Json(USER)


@router.get("/subscription", operation_id="user_subscription_get")
async def subscription() -> Json:
    """No limits."""
    return Json(SUBSCRIPTION)
