"""Runs the measurements: environments, servers, rounds, statistics and the page that shows them.

What is measured runs elsewhere, in `peers`, inside of an environment of its own.
"""
