//! From a source to its preview: finds the kind, calls its renderer, and says what happened if there is nothing to show.

use std::time::{Duration, Instant};

use crate::kind::{Kind, kind_of, looks_like};
use crate::shield::shielded;
use crate::window::{Stop, Window};
use crate::{BinaryPreview, Limits, Preview, PreviewError, Source, TextPreview};
use crate::{archive, arrow, brief, delimited, json, parquet, picture, text};

/// As far as the last mark that `kind_of` knows.
const HEAD_BYTES: u64 = 512;

/// Makes a small rendering of a content.
///
/// Blocks while it reads and decodes; costs no more than the limits say, whatever the content is.
///
/// ```
/// use std::io::Cursor;
/// use upnext_previews::{Limits, Preview, Source, preview};
///
/// let mut bytes = Cursor::new(b"city,people\nBonn,330000\n");
/// let source = Source { media_type: "text/csv", name: "cities.csv", size: 24, reader: &mut bytes };
/// let Preview::Table(table) = preview(source, &Limits::default())? else { panic!("a table") };
/// assert_eq!(table.columns[1].name, "people");
/// assert_eq!(table.columns[1].data_type, "integer");
/// assert_eq!(table.total_rows, Some(1));
/// # Ok::<(), upnext_previews::PreviewError>(())
/// ```
///
/// # Errors
/// When the source cannot be read. A content that is damaged or too large gets a preview that says so.
pub fn preview(source: Source<'_>, limits: &Limits) -> Result<Preview, PreviewError> {
    let mut window = Window::new(source, limits, deadline(limits));
    let preview = render(&mut window, limits);
    window.verdict()?;
    Ok(preview)
}

/// When work that begins now has to be over.
pub(crate) fn deadline(limits: &Limits) -> Instant {
    let now = Instant::now();
    now.checked_add(limits.time).unwrap_or_else(|| now + Duration::from_secs(3600))
}

/// The kind of the content in a window, which then stands at its beginning.
pub(crate) fn kind_in(window: &mut Window<'_>) -> Kind {
    let (head, _) = window.peek(HEAD_BYTES).unwrap_or_default();
    kind_of(window.media_type, window.name, &head)
}

pub(crate) fn render(window: &mut Window<'_>, limits: &Limits) -> Preview {
    let kind = kind_in(window);
    if window.out_of_time() {
        return Preview::TooLarge { reason: Stop::Time.reason(limits) };
    }
    match shielded(|| draw(kind, window, limits)) {
        Ok(preview) => preview,
        Err(_) if window.stopped() == Some(Stop::Time) => {
            Preview::TooLarge { reason: Stop::Time.reason(limits) }
        }
        Err(reason) if kind.is_text() => as_text(window, limits, reason),
        Err(reason) => match window.stopped() {
            Some(stop) => Preview::TooLarge { reason: stop.reason(limits) },
            None => Preview::None { reason },
        },
    }
}

fn draw(kind: Kind, window: &mut Window<'_>, limits: &Limits) -> Result<Preview, String> {
    match kind {
        Kind::Text => Ok(Preview::Text(text::head(window, limits))),
        Kind::Json => json::document(window, limits).map(Preview::Json),
        Kind::JsonLines => json::lines(window, limits),
        Kind::Delimited(delimiter) => delimited::table(window, limits, delimiter).map(Preview::Table),
        Kind::Parquet => parquet::table(window, limits).map(Preview::Table),
        Kind::Arrow => arrow::table(window, limits).map(Preview::Table),
        Kind::Image => picture::image(window, limits).map(Preview::Image),
        Kind::Zip => archive::zip(window, limits).map(Preview::Archive),
        Kind::Tar => archive::tar(window, limits).map(Preview::Archive),
        Kind::Gzip => archive::gzip(window, limits),
        Kind::Media => {
            Err("there is no preview of audio, video or PDF; the browser shows the content itself".to_owned())
        }
        Kind::Binary => Ok(Preview::Binary(binary(window))),
    }
}

/// What promised structure and has none is still text.
fn as_text(window: &mut Window<'_>, limits: &Limits, reason: String) -> Preview {
    window.again(limits.text_bytes as u64 * 2);
    Preview::Text(TextPreview { note: Some(reason), ..text::head(window, limits) })
}

pub(crate) fn binary(window: &mut Window<'_>) -> BinaryPreview {
    let (head, whole) = window.peek(HEAD_BYTES).unwrap_or_default();
    BinaryPreview { hex: brief::hex(&head), looks_like: looks_like(&head), truncated: !whole }
}
