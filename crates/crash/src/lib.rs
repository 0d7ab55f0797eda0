//! Crash tests of the whole product: real worker, server and submitting processes over one database, killed at every
//! named step ([`upnext_core::fault`]) again and again, and a verdict on what they leave behind.
//!
//! There is no code here: everything is in `tests/crash`, and in `tests/power_loss`, which cuts the power under
//! artifacts. `make crash` runs the long versions and prints their figures.
//!
//! [`upnext_core::fault`]: ../upnext_core/fault/index.html
