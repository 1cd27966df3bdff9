"""Parola: the open, self-hosted agents platform that speaks the ElevenLabs Agents protocol."""

__version__ = "0.1.0"
