"""The demo: a crawl of the documentation that every Python carries, as a pipeline of three queues."""
