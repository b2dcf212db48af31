"""The JSON endpoints, a noun a file: each view loads, does one operation, dumps."""
