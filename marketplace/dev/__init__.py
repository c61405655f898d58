"""The development stack: everything the marketplace needs, embedded, in one command.

``stack`` puts the parts together and is what tests and benchmarks use; ``runner`` keeps processes alive,
``reaper`` makes sure none outlives its stack, ``postgres`` and ``valkey`` embed the two servers, ``settings``
fills in what the environment leaves out, and ``server`` is ``script/server``.

Nothing in production imports this package.
"""
