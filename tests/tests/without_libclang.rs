//! A newcomer has Rust and a C compiler: nothing in the workspace may bring bindgen, which wants libclang.

#[test]
fn the_bindings_of_v4l_are_the_committed_ones() {
    let lock = include_str!("../../Cargo.lock");
    let entry = |name: &str| {
        let start = lock.find(&format!("[[package]]\nname = \"{name}\"\n"))?;
        lock[start..].split("\n\n").next()
    };
    let bindings = entry("v4l2-sys-mit").expect("v4l needs its bindings");
    assert!(!bindings.contains("source = ") && !bindings.contains("bindgen"), "{bindings}");
    assert_eq!(lock.matches("name = \"v4l2-sys-mit\"").count(), 1, "the patch in Cargo.toml is gone");
}
