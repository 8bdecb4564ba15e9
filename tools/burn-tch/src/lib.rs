//! Nothing. It stands in the lock file for burn's retired LibTorch backend, which no program here uses: that one
//! names torch-sys 0.22, of which Cargo allows no second version beside the one that `mfn-export`'s feature `torch`
//! links, not even where neither is built.
