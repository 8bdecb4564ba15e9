//! Large blocks leave the process when they are freed. One test alone: it looks at the whole process's memory.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn large_blocks_leave_the_process() {
    const BLOCK: usize = 1 << 20;
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let touched = |bytes| std::hint::black_box(vec![1_u8; bytes]);
    mfn_kernels::allocator::give_large_blocks_back();
    // What would raise the allocator's limit.
    drop(touched(8 * BLOCK));
    let blocks: Vec<Vec<u8>> = (0..16).map(|_| touched(BLOCK)).collect();
    let before = resident();
    // A small block behind them would keep a heap from shrinking.
    let small = touched(1000);
    drop(blocks);
    let after = resident();
    assert!(before - after > 15 * BLOCK, "{before} bytes before, {after} after");
    drop(small);
}
