"""Events as CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec), one for each deed on record.

What each of them says in `data` is written down in `events/schemas`.
"""

from __future__ import annotations

from datetime import UTC

from serinus.domain.ledger import LedgerEntry

_VERSION = 1  # of what `data` holds; another one where a field changes its meaning or goes


def cloud_event(name: str, entry: LedgerEntry) -> dict[str, object]:
    """Return the event that tells of a deed.

    Source and id name the deed: who gets the event twice can tell, even where it was sent again a minute later.
    """
    return {
        "specversion": "1.0",
        "id": entry.id,
        "source": f"/serinus/endpoints/{entry.endpoint}",
        "type": f"serinus.{name}",
        "subject": entry.endpoint,
        "time": entry.at.astimezone(UTC).isoformat(),
        "datacontenttype": "application/json",
        "dataschema": f"urn:serinus:schema:{name}:{_VERSION}",
        "data": {**entry.details, "endpoint": entry.endpoint, "actor": entry.actor},
    }
