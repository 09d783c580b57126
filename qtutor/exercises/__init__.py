"""Exercises: per chapter the task, its domain, hints, solution and wrong answers; one checker for all.

A new exercise is one new entry in its chapter's file; a new chapter is one new file and one new name in catalogue.py.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
