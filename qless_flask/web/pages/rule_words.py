"""When a recurrence is due, in plain words."""

from __future__ import annotations

from cron_descriptor import Options, get_description
from cron_descriptor.Exception import FormatException, MissingFieldException, WrongArgumentException

from qless_flask.models import Recurrence
from qless_flask.web.pages.shown import show_seconds

_OPTIONS = Options(locale_code="en_US", use_24hour_time_format=True)
_NO_WORDS = (FormatException, MissingFieldException, WrongArgumentException)


def rule_words(rule: Recurrence) -> str:
    """Say when a rule is due; where there are no words for it, the rule itself."""
    if rule.cron is None:
        return f"Every {show_seconds(rule.interval)}"
    fields = rule.cron.split()
    # Beside a step of all days, a weekday narrows them; otherwise either day does.
    if len(fields) == 5 and _narrows(fields[2]) and _narrows(fields[4]) and "*" in fields[2][0] + fields[4][0]:
        return rule.cron
    try:
        words = get_description(rule.cron, _OPTIONS)
    except _NO_WORDS:
        return rule.cron
    return f"{words}, in {rule.timezone}"


def _narrows(field: str) -> bool:
    return field != "*"
