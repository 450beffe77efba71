"""When a request that failed is sent again, for requests that may reach a cluster or Kibana twice."""

from __future__ import annotations

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random_exponential

from integration.engines.faults import may_pass
from integration.errors import ThrottledError, UnavailableError

_SHORT = wait_random_exponential(multiplier=0.25, max=5)
_LONG = wait_exponential(multiplier=1.5, max=5)


def _pause(state: RetryCallState) -> float:
    """Return the seconds to wait: a node without memory (429) cleans up once in five seconds, other faults pass sooner or never."""
    error = state.outcome and state.outcome.exception()
    return (_LONG if isinstance(error, ThrottledError) and not isinstance(error, UnavailableError) else _SHORT)(state)


RETRY = Retrying(retry=retry_if_exception(may_pass), stop=stop_after_attempt(4), wait=_pause, reraise=True)
"""Reads outlast the restart of one node behind a load balancer, not an outage."""
