"""The HTTP API: composes routers, error handlers and OpenAPI; no logic."""
