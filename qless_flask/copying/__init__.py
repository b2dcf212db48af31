"""Namespaces moved whole: from store to store, into files and out of them, resumable, and compared at the end."""

from qless_flask.copying.comparison import Report
from qless_flask.copying.copy import copy
from qless_flask.copying.exports import export, export_to_file
from qless_flask.copying.imports import import_lines

__all__ = ["Report", "copy", "export", "export_to_file", "import_lines"]
