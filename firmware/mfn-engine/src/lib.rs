//! Model folders, detector, recogniser and face quality on tract.
