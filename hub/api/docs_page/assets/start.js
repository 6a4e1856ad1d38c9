// A file of its own, because the page's Content-Security-Policy runs no inline script.
"use strict";

SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "openapi.json",
  deepLinking: true,
  validatorUrl: null, // the default asks a server of Swagger's about the document
});
