"""How well Parola listens: turns, interruptions and words, on recorded speech; see docs/listening.md."""
