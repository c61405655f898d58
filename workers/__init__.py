"""What RQ runs: ``settings`` for its command line, ``jobs``, and the ``schedule``."""
