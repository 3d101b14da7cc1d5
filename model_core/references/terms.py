"""What may be done with references, by source; asked before a reference is stored or shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from model_core.errors import InputError
from model_core.types import SourceTerms

LOCAL_IMAGERY = SourceTerms(provider="local imagery")
LOCAL_STREET_VIEWS = SourceTerms(provider="local street views")


def terms_for_file(terms: SourceTerms, path: Path) -> SourceTerms:
    """Return a local source's terms with the file or folder it is named after."""
    return replace(terms, provider=f"{terms.provider} {path.name}".strip())


def may_cache(terms: SourceTerms) -> None:
    """Return when references of a source may be stored.

    Raises:
        InputError: The source's terms forbid it.
    """
    if not terms.cacheable:
        raise InputError(
            f"{terms.provider}: its terms ({terms.licence}) forbid storing what it delivers; "
            "use it without a cache, or choose another source"
        )


def may_train(terms: SourceTerms) -> None:
    """Return when references of a source may be learnt from.

    Raises:
        InputError: The source's terms forbid it.
    """
    if not terms.trainable:
        raise InputError(
            f"{terms.provider}: its terms ({terms.licence}) forbid training on what it delivers; "
            "leave it out of the data set"
        )


def may_display(terms: SourceTerms) -> None:
    """Return when references of a source may be shown beside other maps.

    Raises:
        InputError: The source's terms forbid it.
    """
    if not terms.displayable_beside_map:
        raise InputError(
            f"{terms.provider}: its terms ({terms.licence}) forbid showing it beside this map; "
            "open it at its provider instead"
        )
