//! A server that a proxy shows under a path of its own.

use reqwest::{Method, Response, redirect};
use serde_json::json;

use crate::harness::{Api, header};

const ROOT: &str = "/ops/upnext";

async fn under(vars: &[(&str, &str)]) -> Api {
    let mut api = Api::with(&[&[("UPNEXT_ROOT_PATH", ROOT)], vars].concat()).await;
    api.http = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
    api
}

/// The same request as a proxy sends it that leaves the path on, and as one that takes it off.
async fn both_ways(api: &Api, path: &str) -> [Response; 2] {
    [api.get(&format!("{ROOT}{path}")).await, api.get(path).await]
}

#[tokio::test]
async fn everything_is_there_with_and_without_the_root_path() {
    let api = under(&[]).await;
    let job = api.submit("report").await;
    for path in [
        "/health",
        "/ready",
        "/docs/",
        "/api/v1/jobs?limit=1",
        &format!("/api/v1/jobs/{job}"),
        "/openapi.json",
    ] {
        let [kept, taken_off] = both_ways(&api, path).await;
        assert_eq!([kept.status().as_u16(), taken_off.status().as_u16()], [200, 200], "{path}");
        assert_eq!(header(&kept, "content-type"), header(&taken_off, "content-type"), "{path}");
    }
    for elsewhere in ["/ops", "/ops/upnextra/api/v1/jobs", "/upnext/api/v1/jobs"] {
        let answer = api.get(elsewhere).await.text().await.unwrap();
        assert!(!answer.contains("next_cursor"), "{elsewhere} is answered by the API");
    }
    let nested = api.get(&format!("{ROOT}{ROOT}/api/v1/jobs")).await.text().await.unwrap();
    assert!(!nested.contains("next_cursor"), "the root path is taken off twice");
}

#[tokio::test]
async fn the_shell_names_the_root_path_as_its_base() {
    let api = under(&[]).await;
    for path in ["/", "/jobs", "/artifacts?q=x"] {
        for answer in both_ways(&api, path).await {
            let (policy, etag) = (header(&answer, "content-security-policy"), header(&answer, "etag"));
            let text = answer.text().await.unwrap();
            if text.contains("make dashboard") {
                // This build has no dashboard; that of the shell itself is tested where it is made.
                continue;
            }
            assert!(text.contains("<base href=\"/ops/upnext/\" />"), "{text}");
            assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
            let known = api.request(Method::GET, path).header("if-none-match", &etag).send().await.unwrap();
            assert_eq!(known.status(), 304);
        }
    }
    let bare = api.get(&format!("{ROOT}?q=x")).await;
    assert_eq!((bare.status().as_u16(), &*header(&bare, "location")), (308, "/ops/upnext/?q=x"));
}

#[tokio::test]
async fn redirects_and_uploads_lead_below_the_root_path() {
    let api = under(&[]).await;
    for answer in both_ways(&api, "/docs").await {
        assert!(answer.status().is_redirection(), "{}", answer.status());
        assert_eq!(header(&answer, "location"), "/ops/upnext/docs/");
    }
    let job = api.submit("report").await;
    for prefix in [ROOT, ""] {
        let begun = api
            .request(Method::POST, &format!("{prefix}/api/v1/jobs/{job}/uploads"))
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "5")
            .header("upload-metadata", "name YS50eHQ=")
            .send()
            .await
            .unwrap();
        assert_eq!(begun.status(), 201);
        assert_eq!(header(&begun, "tus-version"), "1.0.0");
        let address = header(&begun, "location");
        assert!(address.starts_with("/ops/upnext/api/v1/uploads/"), "{address}");
        let asked =
            api.request(Method::HEAD, &address).header("tus-resumable", "1.0.0").send().await.unwrap();
        assert_eq!((asked.status().as_u16(), &*header(&asked, "upload-offset")), (200, "0"));
    }
}

#[tokio::test]
async fn the_document_names_the_root_path() {
    for (vars, servers) in [(&[("UPNEXT_ROOT_PATH", ROOT)][..], json!([{"url": ROOT}])), (&[], json!(null))] {
        let api = Api::with(vars).await;
        for path in ["/openapi.json", "/api/v1/openapi.json"] {
            assert_eq!(api.json(path).await["servers"], servers, "{path}");
        }
    }
}

#[tokio::test]
async fn a_session_is_for_the_root_path_alone() {
    let key = [("UPNEXT_AUTH_ENABLED", "true"), ("UPNEXT_API_KEY", "hunter2")];
    let api = under(&key).await;
    let login = format!("{ROOT}/api/v1/auth/login");
    let begun = api.request(Method::POST, &login).json(&json!({"key": "hunter2"})).send().await.unwrap();
    let cookie = header(&begun, "set-cookie");
    assert!(cookie.contains("; Path=/ops/upnext/; "), "{cookie}");
    let session = cookie.split(';').next().unwrap();
    for path in [format!("{ROOT}/api/v1/jobs"), "/api/v1/jobs".to_owned()] {
        assert_eq!(api.get(&path).await.status(), 401, "the root path opens the lock");
        let opened = api.request(Method::GET, &path).header("cookie", session).send().await.unwrap();
        assert_eq!(opened.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn content_of_the_second_origin_is_below_the_root_path_too() {
    let api = under(&[("UPNEXT_ARTIFACT_ORIGIN", "http://artifacts.localhost")]).await;
    let job = api.submit("report").await;
    let made = format!("{ROOT}/api/v1/jobs/{job}/artifacts?name=a.txt&type=text");
    let made: serde_json::Value =
        api.request(Method::POST, &made).body("hello").send().await.unwrap().json().await.unwrap();
    let shown = api.get(&format!("{ROOT}/api/v1/artifacts/{}/content", made["id"].as_str().unwrap())).await;
    let link = header(&shown, "location");
    let path = link.strip_prefix("http://artifacts.localhost").unwrap();
    assert!(path.starts_with("/ops/upnext/api/v1/artifacts/"), "{link}");
    for path in [path, path.strip_prefix(ROOT).unwrap()] {
        let content =
            api.request(Method::GET, path).header("host", "artifacts.localhost").send().await.unwrap();
        assert_eq!(content.text().await.unwrap(), "hello");
    }
}
