//! The Redis and Valkey backend of UpNext.
