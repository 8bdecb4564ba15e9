//! The parent's side of the guard, against children that end in every way.

use super::*;

fn verdict_of(script: &str) -> Result<(), String> {
    let limits = GuardLimits { wall: Duration::from_millis(400), ..GuardLimits::default() };
    let spec = Spec { input: "x".into(), shape: [1, 3, 4, 4], outputs: vec![], lengths: vec![] };
    // More than a pipe holds, so that a child that does not read keeps its writer waiting.
    Guard::new("sh", ["-c", script], limits).check(&[0; 1 << 18], &spec)
}

#[test]
fn only_a_clean_end_is_a_pass() {
    assert_eq!(verdict_of("cat > /dev/null"), Ok(()));
    assert_eq!(verdict_of("cat > /dev/null; echo no good; exit 3"), Err("no good".into()));
    for script in ["exit 1", "exit 101", "kill -9 $$", "kill -ABRT $$", "kill -XCPU $$"] {
        let reason = verdict_of(script).unwrap_err();
        assert!(reason.contains("broke a trial process"), "{script}: {reason}");
    }
}

#[test]
fn a_child_that_hangs_is_ended() {
    let start = Instant::now();
    // It neither reads nor ends: the writer is let go by the child's death.
    let reason = verdict_of("exec sleep 60").unwrap_err();
    assert!(reason.contains("more than"), "{reason}");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_long_verdict_is_cut() {
    let reason = verdict_of("cat > /dev/null; yes | tr -d '\\n' | head -c 30000; exit 3").unwrap_err();
    assert_eq!(reason.len(), MAX_VERDICT as usize);
}

#[test]
fn a_broken_request_is_refused() {
    for request in ["", "{}", "nonsense\n", "\u{0}\u{1}\n"] {
        assert!(try_network(&mut request.as_bytes()).unwrap_err().contains("broken request"));
    }
}
