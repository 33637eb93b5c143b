"""Due dates as a calendar (iCalendar, RFC 5545) that any mail program reads: one all-day event for each, with an alarm.

No clock but the scan's: the same scan gives the same bytes.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from checks.due import Due, DueKind
from checks.policy import Policy
from inventory.text import gettext, mark

KINDS = {
    DueKind.ASSESSMENT: mark("next assessment of classified protection"),
    DueKind.FILING: mark("filing certificate ends"),
    DueKind.CONTRACT: mark("third-party contract ends"),
    DueKind.SUPERVISION: mark("application for a supervisor"),
    DueKind.EVALUATION: mark("self-evaluation closes"),
    DueKind.MIGRATION: mark("planned cut-over to the government cloud"),
    DueKind.WAIVER: mark("waiver ends"),
    DueKind.RULE: mark("the rule itself ends"),
}
ALARM_DAYS = 14


def calendar_bytes(found: Iterable[Due], policy: Policy, *, as_of: datetime, locale: str) -> bytes:
    """The dates as an .ics file (UTF-8, CRLF)."""
    calendar = Calendar()
    calendar.add("prodid", "-//Yunhe//due//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"{policy.city} {gettext(mark('Yunhe: due dates'), locale)}".strip())
    for due in found:
        calendar.add_component(_event(due, policy, as_of, locale))
    return bytes(calendar.to_ical())


def _event(due: Due, policy: Policy, as_of: datetime, locale: str) -> Event:
    title = gettext(KINDS[due.kind], locale)
    provisional = gettext(mark("provisional"), locale)
    event = Event()
    event.add("uid", f"{due.kind}-{due.subject.kind}-{due.subject.id}@yunhe")
    event.add("dtstamp", as_of.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", due.due_on)
    event.add("dtend", due.due_on + timedelta(days=1))
    event.add("summary", f"{title}: {due.subject.name}" + (f" ({provisional})" if due.is_provisional else ""))
    basis = "、".join(policy.pack.cites(due.articles))
    lines = [text for text in (due.subject.department, basis, due.subject.key) if text]
    event.add("description", "\n".join(lines))
    event.add("transp", "TRANSPARENT")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", timedelta(days=-ALARM_DAYS))
    event.add_component(alarm)
    return event
