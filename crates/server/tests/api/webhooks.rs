//! A webhook from the setting to the receiver.

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use upnext_core::Outcome;

use crate::harness::Api;

const KEY: [u8; 32] = [7; 32];

#[tokio::test]
async fn chosen_events_are_posted_signed_by_the_secret() {
    let (sender, mut letters) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: String| async move { sender.send((headers, body)).unwrap() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?secret=1", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().route("/hook", post(take))).into_future());
    let secret = format!("whsec_{}", STANDARD.encode(KEY));
    let api = Api::with(&[
        ("UPNEXT_WEBHOOK_URLS", url.as_str()),
        ("UPNEXT_WEBHOOK_SECRET", secret.as_str()),
        ("UPNEXT_WEBHOOK_EVENTS", "artifact.*, job.failed"),
    ])
    .await;
    // The courier begins with what happens after it was sent out: make things happen until it writes.
    let letter = loop {
        let job = api.submit("report").await;
        api.add(job, "a.txt", "text", "x").await;
        let waited = tokio::time::timeout(std::time::Duration::from_millis(100), letters.recv()).await;
        if let Ok(letter) = waited {
            break letter.unwrap();
        }
    };
    let (headers, body) = letter;
    let text = |name: &str| headers[name].to_str().unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
    mac.update(format!("{}.{}.{body}", text("webhook-id"), text("webhook-timestamp")).as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(text("webhook-signature"), format!("v1,{signature}"));
    let json: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&json["type"], &json["id"]), (&"artifact.created".into(), &text("webhook-id").into()));
    assert_eq!(json["data"]["artifact"]["name"], "a.txt");

    api.run("report", Outcome::failed("no luck")).await;
    loop {
        let (_, body) = letters.recv().await.unwrap();
        let json: Value = serde_json::from_str(&body).unwrap();
        if json["type"] == "job.failed" {
            assert_eq!(json["data"]["error"], "no luck");
            break;
        }
        assert_eq!(json["type"], "artifact.created");
    }
}
