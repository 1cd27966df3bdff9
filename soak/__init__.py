"""How reliable it is, measured: kills under load, hostile frames and requests, secrets that must not be seen anywhere.
``python -m soak``, and docs/reliability.md says what it found."""
