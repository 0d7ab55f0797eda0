//! Keys, host names, origins.

use reqwest::Method;

use crate::harness::{Api, detail, header};

const KEY: &str = "correct horse battery staple";

async fn with_key() -> Api {
    Api::with(&[("UPNEXT_AUTH_ENABLED", "true"), ("UPNEXT_API_KEY", KEY)]).await
}

#[tokio::test]
async fn without_a_key_every_call_is_refused_but_the_open_ones() {
    let api = with_key().await;
    for path in [
        "/api/v1/jobs",
        "/api/v1/jobs/x",
        "/api/v1/artifacts",
        "/api/v1/artifacts/x/content",
        "/api/v1/workers",
        "/api/v1/functions",
        "/api/v1/events/stream",
        "/api/v1/openapi.json",
        "/api/v1/nothing",
        "/api/v1/auth/status/",
        "/api/v1//auth/status",
    ] {
        let response = api.get(path).await;
        assert_eq!(header(&response, "www-authenticate"), "Bearer realm=\"UpNext\"", "{path}");
        assert!(detail(response, 401).await.contains("Authorization: Bearer"));
    }
    detail(api.post("/api/v1/auth/verify").await, 401).await;
    assert_eq!(api.json("/api/v1/auth/status").await["auth_enabled"], true);
    for open in ["/health", "/ready", "/openapi.json", "/docs/", "/"] {
        assert_eq!(api.get(open).await.status(), 200, "{open}");
    }
}

#[tokio::test]
async fn the_key_opens_in_both_headers_and_no_other_does() {
    let api = with_key().await;
    for (name, value, status) in [
        ("authorization", format!("Bearer {KEY}"), 200),
        ("authorization", format!("bearer  {KEY} "), 200),
        ("x-api-key", KEY.to_owned(), 200),
        ("authorization", format!("Basic {KEY}"), 401),
        ("authorization", KEY.to_owned(), 401),
        ("authorization", "Bearer ".to_owned(), 401),
        ("x-api-key", format!("{KEY}x"), 401),
        ("x-api-key", KEY[1..].to_owned(), 401),
        ("x-api-key", KEY.to_uppercase(), 401),
        ("x-api-key", String::new(), 401),
    ] {
        let request = api.request(Method::POST, "/api/v1/auth/verify").header(name, &value);
        assert_eq!(request.send().await.unwrap().status(), status, "{name}: {value}");
    }
}

#[tokio::test]
async fn without_authentication_no_key_is_needed() {
    let api = Api::start().await;
    assert_eq!(api.json("/api/v1/auth/status").await["auth_enabled"], false);
    assert_eq!(api.post("/api/v1/auth/verify").await.status(), 200);
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let api = Api::with(&[("UPNEXT_CORS_ALLOW_ORIGINS", "https://ops.example")]).await;
    let id = api.submit("report").await;
    let path = format!("/api/v1/jobs/{id}/cancel");
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let request = api.request(Method::POST, &path).header("origin", origin);
        assert!(detail(request.send().await.unwrap(), 403).await.contains("another site"));
    }
    let fetched = api.request(Method::POST, &path).header("sec-fetch-site", "cross-site");
    detail(fetched.send().await.unwrap(), 403).await;
    assert_eq!(api.json(&format!("/api/v1/jobs/{id}")).await["status"], "queued");
    let own = api.request(Method::POST, &path).header("origin", &api.url).send().await.unwrap();
    assert_eq!(own.status(), 200);
    let allowed = api.request(Method::POST, "/api/v1/auth/verify").header("origin", "https://ops.example");
    let allowed = allowed.send().await.unwrap();
    assert_eq!(allowed.status(), 200);
    assert_eq!(header(&allowed, "access-control-allow-origin"), "https://ops.example");
}

#[tokio::test]
async fn only_allowed_origins_may_read() {
    let api = Api::with(&[("UPNEXT_CORS_ALLOW_ORIGINS", "https://ops.example")]).await;
    let preflight = |origin: &'static str| {
        api.request(Method::OPTIONS, "/api/v1/jobs")
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "authorization")
    };
    let allowed = preflight("https://ops.example").send().await.unwrap();
    assert_eq!(header(&allowed, "access-control-allow-origin"), "https://ops.example");
    let other = preflight("https://evil.example").send().await.unwrap();
    assert_eq!(header(&other, "access-control-allow-origin"), "");
    let closed = Api::start().await;
    let response = closed.request(Method::GET, "/api/v1/jobs").header("origin", "https://evil.example");
    let response = response.send().await.unwrap();
    assert_eq!(header(&response, "access-control-allow-origin"), "");
    assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin");
}

#[tokio::test]
async fn foreign_host_names_are_refused() {
    let api = Api::start().await;
    for host in ["evil.example", "evil.example:8080", "10.0.0.1", "localhost.evil.example"] {
        for path in ["/api/v1/jobs", "/", "/docs/", "/health"] {
            let response = api.request(Method::GET, path).header("host", host).send().await.unwrap();
            assert!(detail(response, 403).await.contains("host name"), "{host} {path}");
        }
    }
    for host in ["localhost", "localhost:8080", "[::1]:8080", "127.0.0.1"] {
        let response = api.request(Method::GET, "/health").header("host", host).send().await.unwrap();
        assert_eq!(response.status(), 200, "{host}");
    }
}
