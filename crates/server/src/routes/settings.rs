//! The settings that hold in this server, with its secrets hidden.

use axum::Json;
use axum::extract::State;
use upnext_core::settings::Durability;
use upnext_core::shown_settings::ShownSetting;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::wire::{BackendFacts, CommonErrors, Setting, SettingList, StorageFacts};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_settings))
}

/// Every setting of this server and what holds of it. Secrets are told as `***`.
#[utoipa::path(get, path = "/settings", tag = "dashboard",
    responses((status = 200, description = "The settings", body = SettingList), CommonErrors))]
async fn list_settings(State(state): State<AppState>) -> Json<SettingList> {
    let settings = &state.served.settings;
    Json(SettingList {
        settings: settings.shown().into_iter().map(wire).collect(),
        backend: BackendFacts {
            kind: state.backend().kind().to_owned(),
            durability: match settings.durability {
                Durability::Full => "full",
                Durability::Relaxed => "relaxed",
            },
        },
        storage: StorageFacts {
            kind: settings.artifact_storage.name(),
            location: settings.artifact_storage.to_string(),
            inline_max_bytes: settings.artifact_inline_max_bytes,
            max_upload_bytes: settings.artifact_max_upload_bytes,
        },
    })
}

fn wire(shown: ShownSetting) -> Setting {
    Setting {
        name: shown.variable(),
        source: match (shown.info.effective, shown.is_set) {
            (false, _) => "no effect",
            (true, true) => "set",
            (true, false) => "default",
        },
        secret: shown.info.is_secret(),
        description: shown.info.description,
        value: shown.value,
    }
}
