"""What Home Assistant is told of a device, so that it shows up there by itself (MQTT discovery). Pure.

One retained message describes the device and all its entities; the entities read the topics that are there
for everybody. An empty message in its place removes the device.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from edge.transmit.topics import Topics

_PREFIX = "homeassistant"

# A state has at most 255 characters.
_HEADLINE = "{{ value_json.data.properties.headline | truncate(250, true) }}"

_ALERT_FACTS = (
    "{% set said = value_json.data.properties %}"
    "{{ {'id': value_json.id, 'seen_at': value_json.time, 'kind': said.kind, 'phase': said.phase, "
    "'severity': said.severity, 'label': said.label, 'zone': said.zone, 'confidence': said.confidence, "
    "'exercise': said.exercise, 'late': said.late} | tojson }}"
)

# Each sensor of the device itself: its key, its name, its template, and what Home Assistant makes of it.
_HEALTH: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    ("clock", "Clock", "{{ value_json.clock }}", {"icon": "mdi:clock-check-outline"}),
    ("outbox", "Messages waiting", "{{ value_json.outbox.depth }}", {"state_class": "measurement"}),
    ("dead", "Messages refused", "{{ value_json.outbox.dead }}", {"state_class": "measurement"}),
    (
        "disk",
        "Free disk",
        "{{ value_json.disk.free_bytes }}",
        {"device_class": "data_size", "unit_of_measurement": "B", "state_class": "measurement"},
    ),
    (
        "temperature",
        "Temperature",
        "{{ value_json.temperature_c }}",
        {"device_class": "temperature", "unit_of_measurement": "°C", "state_class": "measurement"},
    ),
    (
        "storage",
        "Storage",
        "{{ (value_json.state.trouble or 'sound') | truncate(250, true) }}",
        {"icon": "mdi:database-check-outline"},
    ),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """A number that a site's inventory tells.

    zone  None for the whole site
    """

    label: str
    zone: str | None


def discovery_topic(device_id: str) -> str:
    """Where Home Assistant looks; it takes letters, digits, _ and - there."""
    return f"{_PREFIX}/device/edge_{re.sub(r'[^a-zA-Z0-9_-]', '_', device_id)}/config"


def discovery(
    device_id: str, version: str, sites: Mapping[str, Sequence[Counted]], before: bytes = b""
) -> bytes:
    """The retained message.

    sites   what each site counts
    before  the message that stands there now: what it had and this one has not is removed by name
    """
    components = dict(_components(Topics(device_id), sites))
    gone = {key: one for key, one in _components_in(before).items() if key not in components}
    return msgspec.json.encode(
        {
            "device": {
                "identifiers": [f"edge_{device_id}"],
                "name": device_id,
                "manufacturer": "edge",
                "model": "imagery monitor",
                "sw_version": version,
            },
            "origin": {"name": "edge", "sw_version": version},
            "components": {
                **components,
                # An entity of which only the platform is told is one to forget.
                **{key: {"platform": one["platform"]} for key, one in gone.items()},
            },
        }
    )


def _components_in(before: bytes) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = msgspec.json.decode(before)["components"] if before else {}
    return found


def _components(
    topics: Topics, sites: Mapping[str, Sequence[Counted]]
) -> Iterator[tuple[str, dict[str, object]]]:
    for site_id, counted in sites.items():
        for key, component in _of_site(topics, site_id, counted):
            yield f"{site_id}_{key}", _told(topics, f"{site_id}_{key}", component)
    for key, component in _of_device(topics):
        yield key, _told(topics, key, component)
    yield (
        "connected",
        {
            "platform": "binary_sensor",
            "unique_id": f"edge_{topics.device_id}_connected",
            "name": "Connected",
            "state_topic": topics.status,
            "value_template": "{{ 'ON' if value == 'online' else 'OFF' }}",
            "device_class": "connectivity",
            "entity_category": "diagnostic",
        },
    )


def _told(topics: Topics, key: str, component: dict[str, object]) -> dict[str, object]:
    """An entity that is of no use while the device is away."""
    return {
        **component,
        "unique_id": f"edge_{topics.device_id}_{key}",
        "availability_topic": topics.status,
        "availability_template": "{{ 'online' if value == 'online' else 'offline' }}",
    }


def _of_site(
    topics: Topics, site_id: str, counted: Sequence[Counted]
) -> Iterator[tuple[str, dict[str, object]]]:
    for one in counted:
        yield f"count_{one.label}@{one.zone or '*'}", _count(topics, site_id, one)
    yield (
        "alert",
        {
            "platform": "sensor",
            "name": f"{site_id} last alert",
            "icon": "mdi:alert-outline",
            "state_topic": topics.alert(site_id),
            "value_template": _HEADLINE,
            "json_attributes_topic": topics.alert(site_id),
            "json_attributes_template": _ALERT_FACTS,
        },
    )
    yield (
        "open",
        {
            "platform": "sensor",
            "name": f"{site_id} open alerts",
            "icon": "mdi:alert-circle-outline",
            "state_topic": topics.open(site_id),
            "value_template": "{{ value_json.features | count + value_json.omitted }}",
            "state_class": "measurement",
        },
    )
    yield (
        "picture",
        {
            "platform": "image",
            "name": f"{site_id} last picture",
            "image_topic": f"{topics.evidence(site_id, 'ALERT', 0).removesuffix('ALERT/0')}+/+",
            "content_type": "image/jpeg",
        },
    )
    yield (
        "look",
        {
            "platform": "sensor",
            "name": f"{site_id} newest look",
            "state_topic": topics.health,
            "value_template": f"{{{{ value_json.sites[{_quoted(site_id)}].newest_look_at }}}}",
            "device_class": "timestamp",
            "entity_category": "diagnostic",
        },
    )


def _count(topics: Topics, site_id: str, one: Counted) -> dict[str, object]:
    """A label that the inventory does not tell of does not stand there."""
    zone = "none" if one.zone is None else _quoted(one.zone)
    chosen = (
        f"{{% set found = value_json.counts | selectattr('label', 'eq', {_quoted(one.label)}) "
        f"| selectattr('zone', 'eq', {zone}) | first | default({{}}, true) %}}"
    )
    facts = (
        "{{ {'low': found.low | default(0), 'high': found.high | default(0), 'as_of': value_json.as_of} "
        "| tojson }}"
    )
    where = site_id if one.zone is None else f"{site_id} {one.zone}"
    return {
        "platform": "sensor",
        "name": f"{where} {one.label}",
        "icon": "mdi:counter",
        "state_topic": topics.inventory(site_id),
        "value_template": f"{chosen}{{{{ found.value | default(0) }}}}",
        "json_attributes_topic": topics.inventory(site_id),
        "json_attributes_template": chosen + facts,
        "state_class": "measurement",
    }


def _of_device(topics: Topics) -> Iterator[tuple[str, dict[str, object]]]:
    for key, name, template, more in _HEALTH:
        yield (
            key,
            {
                "platform": "sensor",
                "name": name,
                "state_topic": topics.health,
                "value_template": template,
                "entity_category": "diagnostic",
                **more,
            },
        )


def _quoted(text: str) -> str:
    """The text as a template writes it."""
    return json.dumps(text, ensure_ascii=False)
