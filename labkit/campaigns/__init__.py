"""A model of deliverability: a sender with a list and a plan, a receiver with a memory, and weeks on a calendar.

It is a model. Large receivers publish principles and a few thresholds; how they weigh what they see is theirs alone.
Every figure stands in `Assumptions` with its unit and its source, or with the word that it is assumed.
"""
