//! The access decision: pure state machines without clock or I/O.
