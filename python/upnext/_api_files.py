"""Folders of files that an API serves."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import PurePosixPath
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles


class SinglePage(StaticFiles):
    """Files of an application that has addresses of its own: what looks like no file gets its `index.html`."""

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            # A picture or script that is missing is missing; a page would only hide that.
            if error.status_code != 404 or PurePosixPath(path).suffix:
                raise
            return await super().get_response("index.html", scope)
