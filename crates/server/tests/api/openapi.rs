//! The API contract is a reviewed file: `docs/reference/openapi.json` must be what the code says.
//! `UPDATE_OPENAPI=1 cargo nextest run -p upnext-server openapi` writes it anew.

use std::path::Path;

fn generated() -> String {
    let mut text = upnext_server::openapi().to_pretty_json().unwrap();
    text.push('\n');
    text
}

#[test]
fn the_checked_in_openapi_document_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, generated()).unwrap();
    }
    let checked_in = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        checked_in == generated(),
        "docs/reference/openapi.json is stale: run UPDATE_OPENAPI=1 cargo nextest run -p upnext-server openapi"
    );
}

#[test]
fn every_call_documents_its_errors_with_the_one_schema() {
    let document = serde_json::to_value(upnext_server::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            if path.starts_with("/api/v1") {
                for status in ["401", "403", "422", "500", "503"] {
                    assert!(responses.contains_key(status), "{method} {path} does not document {status}");
                }
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                if path == "/ready" {
                    continue;
                }
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/ErrorBody", "{method} {path} {status}");
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let text = generated();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    for reference in text.split("\"$ref\": \"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer} is nowhere");
    }
}

#[test]
fn every_object_holds_the_fields_of_the_contract() {
    let document = serde_json::to_value(upnext_server::openapi()).unwrap();
    for (schema, fields) in [
        (
            "Job",
            "id job_key function function_name status created_at scheduled_at started_at completed_at attempts \
             max_retries timeout worker_id parent_id root_id progress kwargs job_type source checkpoint \
             checkpoint_at queue_wait_ms result error duration_ms",
        ),
        (
            "Artifact",
            "id job_id name type content_type size_bytes sha256 storage_backend storage_key status error created_at",
        ),
        (
            "Function",
            "key name type active paused timeout max_retries retry_delay rate_limit max_concurrency routing_group \
             group_max_concurrency schedule next_run_at missed_run_policy max_catch_up_seconds pattern workers \
             runs_24h success_rate avg_duration_ms p95_duration_ms avg_wait_ms p95_wait_ms queue_backlog \
             last_run_at last_run_status",
        ),
        ("Worker", "name active instance_count instances functions function_names concurrency"),
    ] {
        let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
        for field in fields.split_whitespace() {
            assert!(properties.contains_key(field), "{schema} lacks {field}");
        }
    }
}
