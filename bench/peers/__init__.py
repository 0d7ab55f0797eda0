"""What is measured, UpNext among it: one module for each, all with the interface of `peers.base`.

These modules run inside of the environment of what they measure; `peers.drive` is the submitter and measures, and the
worker that it starts imports the same module for its tasks.
"""
