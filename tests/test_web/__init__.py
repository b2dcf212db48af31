"""The HTTP face, over a SQLite store: every route, every refusal, every way to mount it."""
