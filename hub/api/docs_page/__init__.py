"""`/docs`: the API with forms. Everything that the page loads comes from this process: a hub may have no way out."""

from importlib.resources import files

from fastapi import FastAPI
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser lets the page do: run and load what this server sends, and call this server."""


def install_docs(app: FastAPI) -> None:
    """Serve the page, and below it its own script and the files of Swagger UI (Apache-2.0).

    The package `fastapi_swagger` is here for those files alone. Addresses in the page are relative, so that it works
    behind a proxy that puts a path in front.
    """
    here = files(__name__)
    page = here.joinpath("index.html").read_text("utf-8")
    headers = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    assets = StaticFiles(packages=[(__name__, "assets"), ("fastapi_swagger", "resources")])
    app.mount("/docs/assets", assets, name="docs_assets")
