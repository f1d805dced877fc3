"""Metrics of critics against labelled steps."""
