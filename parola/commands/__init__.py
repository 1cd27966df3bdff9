"""``parola``'s groups of commands: what they take. What they do is in ``parola.terminal``."""
