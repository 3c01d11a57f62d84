"""The phases of one backend's units, as a table.

*Off*, none is there. *Starting*, some were asked for and do not all answer yet. *On*, they answer. *Draining*, the last
ones take no new request and finish what they have. *Stopping*, some were told to go. *Failed*, a start failed or the
units died. *Unknown*, the driver cannot tell.

    phase     event       next
    off       start       starting
    off       unclear     unknown
    off       some_seen   starting
    off       all_answer  on
    starting  stop        stopping
    starting  fail        failed
    starting  unclear     unknown
    starting  all_answer  on
    on        start       starting
    on        drain       draining
    on        stop        stopping
    on        fail        failed
    on        unclear     unknown
    draining  keep        on
    draining  stop        stopping
    draining  unclear     unknown
    draining  none_seen   off
    stopping  unclear     unknown
    stopping  none_seen   off
    stopping  all_answer  on
    failed    rested      off
    failed    unclear     unknown
    failed    all_answer  on
    unknown   start       starting
    unknown   stop        stopping
    unknown   none_seen   off
    unknown   some_seen   starting
    unknown   all_answer  on

All others change nothing. What is off and seen all the same was started by others, or by a controller that is no more:
it is taken over. What the driver could not tell goes on where it was, so `start` and `stop` lead out of *unknown*, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Phase(StrEnum):
    OFF = "off"
    STARTING = "starting"
    ON = "on"
    DRAINING = "draining"
    STOPPING = "stopping"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Event(StrEnum):
    START = "start"
    """More units are asked for; or it is clear again that they were."""
    DRAIN = "drain"
    """No unit is wanted any more."""
    KEEP = "keep"
    """One is wanted again while they drain."""
    STOP = "stop"
    """Units are told to go; or it is clear again that they were."""
    FAIL = "fail"
    """The driver says so, it takes too long, or units died."""
    RESTED = "rested"
    """The rest after failures is over."""
    UNCLEAR = "unclear"
    NONE_SEEN = "none_seen"
    SOME_SEEN = "some_seen"
    """Units are there, but not as many as were asked for, or not all of them answer."""
    ALL_ANSWER = "all_answer"
    """As many as were asked for are there, and all of them answer."""


_CHANGES: Mapping[Phase, Mapping[Event, Phase]] = {
    Phase.OFF: {
        Event.START: Phase.STARTING,
        Event.UNCLEAR: Phase.UNKNOWN,
        Event.SOME_SEEN: Phase.STARTING,
        Event.ALL_ANSWER: Phase.ON,
    },
    Phase.STARTING: {
        Event.STOP: Phase.STOPPING,
        Event.FAIL: Phase.FAILED,
        Event.UNCLEAR: Phase.UNKNOWN,
        Event.ALL_ANSWER: Phase.ON,
    },
    Phase.ON: {
        Event.START: Phase.STARTING,
        Event.DRAIN: Phase.DRAINING,
        Event.STOP: Phase.STOPPING,
        Event.FAIL: Phase.FAILED,
        Event.UNCLEAR: Phase.UNKNOWN,
    },
    Phase.DRAINING: {
        Event.KEEP: Phase.ON,
        Event.STOP: Phase.STOPPING,
        Event.UNCLEAR: Phase.UNKNOWN,
        Event.NONE_SEEN: Phase.OFF,
    },
    Phase.STOPPING: {Event.UNCLEAR: Phase.UNKNOWN, Event.NONE_SEEN: Phase.OFF, Event.ALL_ANSWER: Phase.ON},
    Phase.FAILED: {Event.RESTED: Phase.OFF, Event.UNCLEAR: Phase.UNKNOWN, Event.ALL_ANSWER: Phase.ON},
    Phase.UNKNOWN: {
        Event.START: Phase.STARTING,
        Event.STOP: Phase.STOPPING,
        Event.NONE_SEEN: Phase.OFF,
        Event.SOME_SEEN: Phase.STARTING,
        Event.ALL_ANSWER: Phase.ON,
    },
}

TABLE: Mapping[Phase, Mapping[Event, Phase]] = {
    phase: {event: _CHANGES[phase].get(event, phase) for event in Event} for phase in Phase
}
