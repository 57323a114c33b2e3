//! Rows: entities, migrations and queries by subject.
