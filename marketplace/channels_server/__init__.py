"""An embedded server that speaks the Pusher Channels protocol, for one machine.

``protocol.py`` and ``rest.py`` decide without I/O; ``server.py`` carries their decisions out.
Nothing here knows anything about the marketplace.
"""
