"""The documentation as pages, served below ``/docs/``; ``make docs`` builds it from ``docs/`` and the API itself."""
