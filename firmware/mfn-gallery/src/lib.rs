//! Templates of people: matching and storage.
