//! SIMD kernels with scalar references, chosen at run time.
