"""A job queue that people can trust with a pipeline."""
