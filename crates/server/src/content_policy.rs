//! What a browser may do with an artifact's bytes, by their media type.
//!
//! Artifact bytes are untrusted, and mostly come from the dashboard's own origin. Three kinds: types that a browser shows
//! without ever running anything in them with the page's rights; types that could run something, which are shown in a
//! sandbox; and everything else, which is handed over as a file.

use axum::http::HeaderMap;

/// Pictures are decoded, text is shown as text (with `nosniff`). Sound and video are inert as well, whatever their subtype.
const INERT: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    "image/apng",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/x-icon",
    "text/csv",
    "text/markdown",
    "text/plain",
    "text/tab-separated-values",
];

/// What browsers show as a page, which may hold scripts. PDF is among them: Chromium shows it inside of the sandbox, too.
const PAGES: &[&str] = &[
    "application/pdf",
    "application/xhtml+xml",
    "application/xml",
    "image/svg+xml",
    "text/html",
    "text/xml",
];

/// Pages whose scripts may be asked for.
const SCRIPTED: &[&str] = &["application/xhtml+xml", "text/html"];

/// Where content may be framed, unless it comes from an origin of its own.
pub(crate) const OWN_FRAMES: &str = "frame-ancestors 'self'";

/// No scripts, no forms, no origin; styles and pictures only from within the file itself.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline' data:; img-src data:; font-src data:; \
                       media-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// The same for pages that show nothing without their scripts, such as plots. The scripts run, but as nobody: the sandbox
/// gives them an origin that no other page shares, so they reach neither storage, cookies nor pages of any site, cannot
/// move the page around them, open windows, send forms or save files; and they can load nothing and call nobody. What is
/// left is their own rectangle: they can fill it with lies, use time, and lead it to another address, which tells that
/// address no more than the file itself knew. The dashboard's own policy keeps its frames from being led away. `eval`
/// allows nothing that inline scripts do not.
const SCRIPT_SANDBOX: &str = "sandbox allow-scripts; default-src 'none'; \
                              script-src 'unsafe-inline' 'unsafe-eval' data: blob:; worker-src blob:; \
                              style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; \
                              media-src data: blob:; connect-src 'none'; base-uri 'none'; form-action 'none'; \
                              frame-ancestors 'self'";

/// The Content-Security-Policy for content of this type, with its scripts if they may run.
pub(crate) fn security_policy(content_type: &str, scripts: bool) -> &'static str {
    let essence = essence(content_type);
    if is_inert(&essence) {
        OWN_FRAMES
    } else if scripts && SCRIPTED.contains(&essence.as_str()) {
        SCRIPT_SANDBOX
    } else {
        SANDBOX
    }
}

/// True for types that a browser can show; the others are handed over as files.
pub(crate) fn can_be_shown(content_type: &str) -> bool {
    let essence = essence(content_type);
    is_inert(&essence) || PAGES.contains(&essence.as_str())
}

/// True when this request fills a frame of a page, and not a window of its own, where a page with running scripts could
/// pass for one of ours under our name. Browsers say so only on https and on localhost.
pub(crate) fn is_for_a_frame(headers: &HeaderMap) -> bool {
    destination(headers) == Some("iframe")
}

/// True when a page wants to run this as a part of itself. Even under the right policy for pages a stored script must never
/// be taken for one of the server's own.
pub(crate) fn is_for_running(headers: &HeaderMap) -> bool {
    let running = [
        "audioworklet",
        "paintworklet",
        "script",
        "serviceworker",
        "sharedworker",
        "style",
        "worker",
        "xslt",
    ];
    destination(headers).is_some_and(|destination| running.contains(&destination))
}

/// True when a script fetches this: it gets bytes, and nothing is shown.
pub(crate) fn is_for_a_script_to_read(headers: &HeaderMap) -> bool {
    destination(headers) == Some("empty")
}

/// What a browser says it will do with the answer. No page can make it say something else.
fn destination(headers: &HeaderMap) -> Option<&str> {
    headers.get("sec-fetch-dest")?.to_str().ok()
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_inert(essence: &str) -> bool {
    INERT.contains(&essence) || essence.starts_with("audio/") || essence.starts_with("video/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_inert_types_go_without_a_sandbox() {
        for safe in ["application/json", "text/plain; charset=utf-8", "image/png", "video/mp4", "audio/ogg"] {
            assert!(!security_policy(safe, false).contains("sandbox"), "{safe}");
            assert!(can_be_shown(safe), "{safe}");
        }
        for risky in [
            "text/html",
            "image/svg+xml",
            "application/xml",
            "application/xhtml+xml",
            "application/mathml+xml",
            "application/xslt+xml",
            "application/pdf",
            "application/octet-stream",
            "text/javascript",
            "",
            "TEXT/HTML",
        ] {
            assert!(security_policy(risky, false).starts_with("sandbox; default-src 'none'"), "{risky}");
        }
    }

    #[test]
    fn unknown_types_are_files() {
        for file in
            ["application/octet-stream", "application/zip", "text/javascript", "application/xslt+xml", ""]
        {
            assert!(!can_be_shown(file), "{file}");
        }
        for page in ["text/html", "application/pdf", "image/svg+xml"] {
            assert!(can_be_shown(page), "{page}");
        }
    }

    #[test]
    fn only_pages_run_scripts_and_never_as_somebody() {
        let policy = security_policy("text/html; charset=utf-8", true);
        assert!(policy.starts_with("sandbox allow-scripts;") && !policy.contains("allow-same-origin"));
        assert!(policy.contains("connect-src 'none'") && policy.contains("default-src 'none'"));
        for other in ["image/svg+xml", "application/xml", "application/pdf", "application/octet-stream"] {
            assert_eq!(security_policy(other, true), security_policy(other, false), "{other}");
        }
    }

    #[test]
    fn all_policies_name_who_may_frame() {
        for policy in [OWN_FRAMES, SANDBOX, SCRIPT_SANDBOX] {
            assert!(policy.ends_with(OWN_FRAMES));
        }
    }
}
