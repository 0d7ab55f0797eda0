//! The second origin under which artifact content is shown, if the settings name one: whatever a stored page could do there,
//! it could do it to nothing. Behind that name there is nothing but content, opened by links that the first name gives.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;
use upnext_core::{ArtifactId, Backend, Clock as _, SystemClock};

use crate::content_link::ContentLinks;
use crate::content_policy::{OWN_FRAMES, is_for_a_script_to_read, is_for_running};
use crate::error::ApiError;
use crate::guard::authority_of;
use crate::router::API;

/// The route of content, below [`API`].
const CONTENT: &str = "/artifacts/{id}/content";

/// The parameter that carries a link's token.
const TOKEN: &str = "token";

/// The second origin.
#[derive(Debug)]
pub(crate) struct ArtifactOrigin {
    /// Scheme and authority, as they are written in links.
    origin: String,
    /// The path under which a proxy shows this server, there as well.
    root: String,
    /// The authority as `Host` names it.
    host: String,
    links: ContentLinks,
}

impl ArtifactOrigin {
    /// `None` when the text is no origin.
    pub(crate) fn new(origin: &str, root: &str, backend: Arc<dyn Backend>) -> Option<Self> {
        let host = without_default_port(authority_of(origin)?);
        Some(Self {
            origin: origin.to_owned(),
            root: root.to_owned(),
            host,
            links: ContentLinks::new(backend),
        })
    }

    fn is_asked(&self, request: &Request) -> bool {
        let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
        let named = host.or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
        named.is_some_and(|named| without_default_port(named) == self.host)
    }

    /// The link to this content, with the rest of the query as it was.
    async fn link(&self, id: ArtifactId, uri: &Uri) -> Result<String, ApiError> {
        let token = self.links.token(id, SystemClock.now()).await?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        query.extend_pairs(asked.filter(|(name, _)| name != TOKEN));
        query.append_pair(TOKEN, &token);
        Ok(format!("{}{}{API}/artifacts/{id}/content?{}", self.origin, self.root, query.finish()))
    }

    async fn is_opened_by(&self, method: &Method, uri: &Uri) -> Result<bool, ApiError> {
        let Some(id) = content_of(uri.path()) else { return Ok(false) };
        let query = uri.query().unwrap_or_default();
        let token = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == TOKEN);
        let token = token.map(|(_, token)| token.into_owned()).unwrap_or_default();
        let reading = matches!(*method, Method::GET | Method::HEAD);
        Ok(reading && self.links.opens(&token, id, SystemClock.now()).await?)
    }
}

/// The artifact whose content this path names.
fn content_of(path: &str) -> Option<ArtifactId> {
    path.strip_prefix(API)?.strip_prefix("/artifacts/")?.strip_suffix("/content")?.parse().ok()
}

fn without_default_port(authority: &str) -> String {
    let authority = authority.to_ascii_lowercase();
    let plain = authority.strip_suffix(":443").or_else(|| authority.strip_suffix(":80"));
    plain.map(str::to_owned).unwrap_or(authority)
}

/// What answers under the second origin.
#[derive(Debug, Clone)]
pub(crate) struct ContentOnly {
    pub(crate) origin: Arc<ArtifactOrigin>,
    /// The route of content, without key and CORS.
    pub(crate) content: Router,
}

/// Sends requests under the second origin's name to the content alone, and lets the pages of the first show it.
pub(crate) async fn by_host(State(only): State<ContentOnly>, request: Request, next: Next) -> Response {
    if !only.origin.is_asked(&request) {
        let mut response = next.run(request).await;
        let_pages_show(&only.origin.origin, response.headers_mut());
        return response;
    }
    match only.origin.is_opened_by(request.method(), request.uri()).await {
        Err(error) => return error.into_response(),
        Ok(false) => {
            let nothing =
                "there is nothing here, or the link that led here has run out: open the artifact again";
            return ApiError::NotFound(nothing.to_owned()).into_response();
        }
        Ok(true) => {}
    }
    let Ok(mut response) = only.content.oneshot(request).await;
    let headers = response.headers_mut();
    // Pages of the first origin frame and embed what is here; whoever else has the link may do so, too: nobody's rights
    // are at stake under this name.
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    replace_in_policy(headers, OWN_FRAMES, "frame-ancestors *");
    response
}

fn let_pages_show(origin: &str, headers: &mut HeaderMap) {
    let shows = |directive: &str| (format!("{directive} 'self'"), format!("{directive} 'self' {origin}"));
    let (frames, frames_and) = shows("frame-src");
    let (pictures, pictures_and) = shows("img-src");
    replace_in_policy(headers, &frames, &format!("{frames_and}; media-src 'self' {origin}"));
    replace_in_policy(headers, &pictures, &pictures_and);
}

fn replace_in_policy(headers: &mut HeaderMap, part: &str, by: &str) {
    let policy = headers.get(header::CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok());
    let Some(changed) = policy.filter(|policy| policy.contains(part)).map(|policy| policy.replace(part, by))
    else {
        return;
    };
    if let Ok(changed) = HeaderValue::try_from(changed) {
        headers.insert(header::CONTENT_SECURITY_POLICY, changed);
    }
}

/// Keeps content from being run as a part of a page and, if there is a second origin, sends whoever wants to show it there.
pub(crate) async fn show_content_elsewhere(
    State(origin): State<Option<Arc<ArtifactOrigin>>>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if !route.is_some_and(|route| route.as_str().ends_with(CONTENT)) {
        return Ok(next.run(request).await);
    }
    if is_for_running(request.headers()) {
        return Err(ApiError::Forbidden("artifacts are not run as parts of a page".to_owned()));
    }
    let id = request.uri().path().rsplit('/').nth(1).and_then(|id| id.parse().ok());
    match origin.zip(id) {
        // A script of one of our pages gets bytes and shows them itself; a redirect to a name without CORS would fail it.
        Some((origin, id)) if !is_for_a_script_to_read(request.headers()) => {
            let link = origin.link(id, request.uri()).await?;
            let headers = [(header::LOCATION, link.as_str()), (header::CACHE_CONTROL, "no-store")];
            Ok((StatusCode::TEMPORARY_REDIRECT, headers).into_response())
        }
        _ => Ok(next.run(request).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_path_of_content_names_content() {
        let id = ArtifactId::fresh();
        assert_eq!(content_of(&format!("/api/v1/artifacts/{id}/content")), Some(id));
        for other in ["/", "/api/v1/artifacts/x/content", "/api/v1/artifacts"] {
            assert_eq!(content_of(other), None, "{other}");
        }
        assert_eq!(content_of(&format!("/api/v1/artifacts/{id}/preview/content")), None);
        assert_eq!(content_of(&format!("//api/v1/artifacts/{id}/content")), None);
    }

    #[test]
    fn pages_may_show_what_comes_from_the_second_origin() {
        let mut headers = HeaderMap::new();
        let policy = HeaderValue::from_static("default-src 'self'; img-src 'self' data:; frame-src 'self'");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        let_pages_show("https://a.example", &mut headers);
        assert_eq!(
            headers[header::CONTENT_SECURITY_POLICY],
            "default-src 'self'; img-src 'self' https://a.example data:; frame-src 'self' https://a.example; \
             media-src 'self' https://a.example"
        );
    }
}
