"""What Parola costs, measured from outside: ``python -m bench`` (or ``make bench``).

A server is started as a user would start it, callers speak to it over its public protocol in real time, and the
models behind it are fakes with fixed delays, so that only the server's own part is left in the figures.
``docs/performance.md`` says what each figure means. Nothing here is imported by the server, and nothing of the server
is imported here except to make the user's speech.
"""
