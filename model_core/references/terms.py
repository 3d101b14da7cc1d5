"""What may be done with references, by source; asked before a reference is stored or shown."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from model_core.errors import InputError
from model_core.files import replacing
from model_core.types import SourceTerms

LOCAL_IMAGERY = SourceTerms(provider="local imagery")
_OPEN_WORDS = frozenset({"cc", "cc0", "creativecommons", "odbl", "pddl", "etalab", "ogl", "dl"})
_OPEN_PHRASES = ("public domain", "creative commons", "open data commons", "open government")

LOCAL_STREET_VIEWS = SourceTerms(provider="local street views")


def terms_for_file(terms: SourceTerms, path: Path) -> SourceTerms:
    """Return a local source's terms with the file or folder it is named after."""
    return replace(terms, provider=f"{terms.provider} {path.name}".strip())


def terms_path(source: Path) -> Path:
    """Return where a local source's terms are stated: in a folder, or beside a file."""
    return (
        source / "terms.json" if source.is_dir() else source.with_name(f"{source.name}.terms.json")
    )


def stated_terms(terms: SourceTerms, path: Path) -> SourceTerms:
    """Return the terms stated with a local source, else the given ones named after it.

    Raises:
        InputError: They are stated but cannot be read.
    """
    stated = terms_path(path)
    return read_terms(stated) if stated.is_file() else terms_for_file(terms, path)


def read_terms(path: Path) -> SourceTerms:
    """Return the terms that a JSON file states; what it leaves out is as for the user's own.

    Raises:
        InputError: It is no such file, names something unknown, or a value has the wrong type.
    """
    try:
        stated: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise InputError(f"{path}: the terms cannot be read ({err}); correct or remove it") from err
    known = {field.name: bool if field.type == "bool" else str for field in fields(SourceTerms)}
    if not isinstance(stated, dict) or "provider" not in stated or stated.keys() - known.keys():
        raise InputError(
            f"{path}: terms are a JSON object with provider and any of {', '.join(known)}"
        )
    for name, value in stated.items():
        if not isinstance(value, known[name]):
            raise InputError(
                f"{path}: {name} is {value!r}; "
                + ("true or false is expected" if known[name] is bool else "a text is expected")
            )
    return SourceTerms(**stated)


def write_terms(path: Path, terms: SourceTerms) -> None:
    """Write terms to a JSON file that ``read_terms`` reads.

    Raises:
        InputError: It cannot be written.
    """
    text = json.dumps(asdict(terms), indent=2, ensure_ascii=False)
    with replacing(path) as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")


def licence_forbids_training(licence: str) -> bool:
    """Return whether a licence is one that excludes commerce or changes."""
    words = set(re.split(r"[^a-z0-9]+", licence.lower()))
    return bool(words & {"nc", "nd", "noncommercial", "noderivatives", "noderivs"})


def licence_allows_training(licence: str) -> bool:
    """Return whether a licence is one of the open ones that exclude neither commerce nor changes.

    Only licences that are known to allow it do: Creative Commons without NC and ND, public domain,
    the open database and government licences.
    """
    if licence_forbids_training(licence):
        return False
    words = set(re.split(r"[^a-z0-9]+", licence.lower()))
    text = " ".join(re.split(r"[^a-z0-9]+", licence.lower()))
    return bool(words & _OPEN_WORDS) or any(phrase in text for phrase in _OPEN_PHRASES)


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
