//! A PostgreSQL of their own for tests.
