//! The OpenAPI document, made from the routes and wire types, and the page that shows it.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr, Server};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::router::{API, api_routes};
use crate::routes::{auth, health};

/// Swagger UI sets style attributes and draws with data: pictures; its scripts are all its own files.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "UpNext",
        description = "Background jobs that keep their artifacts. Every error answers `{\"detail\": \"...\"}`."
    ),
    security(("bearer" = []), ("api_key" = []), ("session" = [])),
    modifiers(&Schemes),
    tags(
        (name = "jobs", description = "What was asked for, and what became of it"),
        (name = "artifacts", description = "What jobs made"),
        (name = "functions", description = "What can be asked for"),
        (name = "workers", description = "Who does the work"),
        (name = "apis", description = "HTTP APIs beside the workers, and what is asked of them"),
        (name = "events", description = "What happens right now"),
        (name = "dashboard", description = "Figures about all of it, and the settings"),
        (name = "auth", description = "Whether a key is needed, and sessions of browsers"),
        (name = "health", description = "Whether the server works; outside of /api/v1"),
    )
)]
struct Api;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("upnext_session")));
        components.add_security_scheme("session", cookie);
        let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
        components.add_security_scheme("api_key", header);
    }
}

/// What is sent to the server may leave things out, and so may these answers.
const WITH_OPTIONAL_FIELDS: [&str; 7] =
    ["ArtifactPatch", "ArtifactForm", "NewArtifact", "NewEvent", "NewJob", "PresignRequest", "Readiness"];

/// An answer always holds all of its fields, null or not: say so, so that generated clients need not guess.
fn require_all_fields(document: &mut Document) {
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.iter_mut());
    for (name, schema) in schemas {
        if let RefOr::T(schema) = schema
            && !WITH_OPTIONAL_FIELDS.contains(&name.as_str())
        {
            require_all(schema);
        }
    }
}

fn require_all(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => object.required = object.properties.keys().cloned().collect(),
        Schema::AllOf(parts) => {
            for part in &mut parts.items {
                if let RefOr::T(part) = part {
                    require_all(part);
                }
            }
        }
        _ => {}
    }
}

/// The document that describes the whole API.
#[must_use]
pub fn openapi() -> Document {
    let routes = OpenApiRouter::with_openapi(Api::openapi())
        .nest(API, api_routes().merge(auth::open_router()))
        .merge(health::router());
    let mut document = routes.into_openapi();
    require_all_fields(&mut document);
    document
}

/// The document as served by a server under this path.
fn served(root: &str) -> Bytes {
    let mut document = openapi();
    if !root.is_empty() {
        document.servers = Some(vec![Server::new(root)]);
    }
    document.to_json().expect("the document is made of plain values").into()
}

/// Answers the document. It is made when somebody asks first.
pub(crate) fn document<S: Clone + Send + Sync + 'static>(root: &str) -> MethodRouter<S> {
    let document = Arc::new((root.to_owned(), OnceLock::new()));
    get(async move || {
        let (root, made) = &*document;
        let text: &Bytes = made.get_or_init(|| served(root));
        ([(header::CONTENT_TYPE, "application/json")], text.clone())
    })
}

/// `/openapi.json`, and Swagger UI under `/docs` from files inside of this binary.
pub(crate) fn router(root: &str) -> Router {
    // Relative, so that it holds behind a proxy that serves us under a prefix.
    let page = SwaggerUi::new("/docs").config(Config::from("../openapi.json"));
    let page: Router = Router::from(page).layer(middleware::from_fn(docs_policy));
    page.route("/openapi.json", document(root))
}

async fn docs_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCS_POLICY));
    response
}
