//! What servers keep here for themselves: `hold_cursor`, `keep_secret`.

use upnext_core::backend::{CursorHold, Result};

use crate::Redis;
use crate::link::Repeat;
use crate::reply::{self, Reply, unexpected};
use crate::rows::stored_micros;

pub(crate) async fn hold_cursor(redis: &Redis, hold: &CursorHold) -> Result<Option<i64>> {
    let mut args = redis.now.begin();
    args.add(&hold.name).add(&hold.holder).optional(hold.place).number(stored_micros(hold.lease));
    let mut reply = Reply::new(redis.link.call("hold_cursor", &args, Repeat::Harmless).await?);
    reply.value()?;
    let place = reply.value()?;
    if reply::is_nothing(&place) { Ok(None) } else { reply::number(&place).map(Some) }
}

pub(crate) async fn keep_secret(redis: &Redis, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
    let mut args = redis.now.begin();
    args.add(name).add(fresh);
    let mut reply = Reply::new(redis.link.call("keep_secret", &args, Repeat::Harmless).await?);
    reply.value()?;
    reply.bytes()?.try_into().map_err(|_| unexpected("secret"))
}
