//! Integration tests that execute models.
