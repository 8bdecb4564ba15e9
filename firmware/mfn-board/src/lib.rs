//! Cameras, door line, buttons and watchdog behind small traits.
