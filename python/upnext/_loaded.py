"""Classes of modules that are worth their memory only to programs that use them."""

from __future__ import annotations

import sys
from typing import Any


def loaded(module: str, name: str) -> Any:
    """The class `name` of `module` for `isinstance`, if anything here has imported that module.

    Otherwise nothing can be an instance of it, which is what the empty tuple says.
    """
    found = sys.modules.get(module)
    # While a module is being imported it may not have the name yet.
    return getattr(found, name, ()) if found is not None else ()
