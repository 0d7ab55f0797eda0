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

/// The cookie of a fresh session, as a browser sends it back.
async fn session(api: &Api) -> String {
    let request = api.request(Method::POST, "/api/v1/auth/login").header("origin", &api.url);
    let response = request.json(&serde_json::json!({"key": KEY})).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let cookie = header(&response, "set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains(KEY), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_opens_what_the_key_opens() {
    let api = with_key().await;
    assert_eq!(
        api.json("/api/v1/auth/status").await,
        serde_json::json!({"auth_enabled": true, "session": false})
    );
    let cookie = session(&api).await;
    let get = |path: &'static str| api.request(Method::GET, path).header("cookie", &cookie);
    for path in ["/api/v1/jobs", "/api/v1/settings", "/api/v1/dashboard/stats"] {
        assert_eq!(get(path).send().await.unwrap().status(), 200, "{path}");
    }
    let status: serde_json::Value = get("/api/v1/auth/status").send().await.unwrap().json().await.unwrap();
    assert_eq!(status["session"], true);
    let wrong = get("/api/v1/jobs").header("x-api-key", "wrong");
    detail(wrong.send().await.unwrap(), 401).await;
    let forged = api.request(Method::GET, "/api/v1/jobs").header("cookie", format!("{cookie}A"));
    detail(forged.send().await.unwrap(), 401).await;
    let out = api.post("/api/v1/auth/logout").await;
    assert!(header(&out, "set-cookie").starts_with("upnext_session=; Path=/; Max-Age=0"));
}

#[tokio::test]
async fn a_session_changes_things_from_own_pages_alone() {
    let api = with_key().await;
    let cookie = session(&api).await;
    let id = api.submit("report").await;
    let path = format!("/api/v1/jobs/{id}/cancel");
    let cancel = || api.request(Method::POST, &path).header("cookie", &cookie);
    for (name, value) in [
        ("accept", "*/*"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
    ] {
        let refused = cancel().header(name, value).send().await.unwrap();
        assert!(detail(refused, 403).await.contains("pages of this server"), "{name}: {value}");
    }
    assert_eq!(cancel().header("origin", &api.url).send().await.unwrap().status(), 200);
    let again = cancel().header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(again.status(), 409, "an own page was not let through");
}

#[tokio::test]
async fn only_the_key_begins_a_session() {
    let api = with_key().await;
    let log_in = |body: serde_json::Value| api.request(Method::POST, "/api/v1/auth/login").json(&body);
    for key in ["", "wrong", &KEY[1..]] {
        let refused = log_in(serde_json::json!({"key": key})).send().await.unwrap();
        assert_eq!(header(&refused, "set-cookie"), "", "{key}");
        detail(refused, 401).await;
    }
    detail(log_in(serde_json::json!({})).send().await.unwrap(), 422).await;
    let other = log_in(serde_json::json!({"key": KEY})).header("origin", "https://evil.example");
    detail(other.send().await.unwrap(), 403).await;
    let open = Api::start().await;
    let answer = open.request(Method::POST, "/api/v1/auth/login").json(&serde_json::json!({"key": "x"}));
    let answer = answer.send().await.unwrap();
    assert_eq!((answer.status().as_u16(), header(&answer, "set-cookie")), (200, String::new()));
}
