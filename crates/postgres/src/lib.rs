//! The PostgreSQL backend of UpNext.
