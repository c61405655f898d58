"""Settings of the stock RQ command line: ``rq worker -c workers.settings clock`` and so on.

Jobs are serialized as JSON, never pickle: whoever can write to Redis must not be able to run code here. The
command line has an option for that on some commands and ignores it on others (``rq cron`` always uses the
default), so the default itself is changed, once, here.
"""

from __future__ import annotations

import os

import rq.serializers

if not os.environ.get("REDIS_URL"):
    # A default would be somebody's Redis, but perhaps not the one in which the web servers count.
    raise KeyError(
        "REDIS_URL is not set: where Redis is, such as redis://localhost:6379/0 (see .env.example)"
    )
REDIS_URL = os.environ["REDIS_URL"]

#: ``clock`` and ``relay`` are for the resident jobs, two workers each; ``default`` for the rest.
QUEUES = ["clock", "relay", "default"]

rq.serializers.DefaultSerializer = rq.serializers.JSONSerializer  # type: ignore[misc, assignment]
rq.serializers.PickleSerializer = rq.serializers.JSONSerializer  # type: ignore[assignment]

# A worker forks for each job. What the parent has imported, the child need not.
import workers.jobs  # noqa: E402, F401
