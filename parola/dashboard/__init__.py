"""The built page for people; its source is the top folder ``dashboard/``. It uses the public API and nothing else."""
