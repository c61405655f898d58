"""Telling everyone: channel names, the catalogue of events, the outbox and the publisher."""
