"""What runs when: ``rq cron -c workers.settings workers.schedule``."""

from __future__ import annotations

from rq.cron import register

import workers.settings  # noqa: F401  (JSON for what cron enqueues)
from workers import jobs

# A resident job lasts a minute and one more waits behind it. Started every twenty seconds, a lost one is soon
# replaced, and those too many return at once. What nobody picks up in a minute is not worth running.
for resident, queue in ((jobs.clock, "clock"), (jobs.relay, "relay")):
    register(
        resident,
        queue_name=queue,
        interval=20,
        job_timeout=jobs.RESIDENT_TIMEOUT,
        ttl=60,
        result_ttl=60,
        failure_ttl=3600,
    )

register(jobs.close_overdue_orders, queue_name="default", interval=60, job_timeout=300, result_ttl=3600)
register(jobs.look_for_suspicions, queue_name="default", interval=600, job_timeout=300, result_ttl=3600)
register(jobs.purge, queue_name="default", interval=3600, job_timeout=300, result_ttl=3600)
