# Loaded when first used: check_env must run where torch or ipywidgets is missing.
from .checker import check as check
from .choice import predict as predict
from .choice import quiz as quiz
from .environment import check_env as check_env
from .hints import hint as hint
from .hints import solution as solution
