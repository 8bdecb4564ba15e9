//! Buffers that are reused. A training step asks for the same few dozen sizes again and again, tens of megabytes
//! each; from the system every one of them would come as fresh pages, to be zeroed by the kernel on first touch.

use burn::tensor::{Bytes, DType, Shape, TensorData};
use burn_flex::FlexTensor;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Values of a cache line: buffers begin at one, so that no register load crosses two.
const LINE: usize = 16;

/// Idle values that are kept, 2 GiB; what comes back above that is freed.
const MOST_IDLE: usize = 1 << 29;

#[derive(Default)]
struct Pool {
    idle: HashMap<usize, Vec<Vec<f32>>>,
    values: usize,
}

static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);

/// Values with stale content, aligned to a cache line; back to the pool when dropped.
pub struct Buffer {
    storage: Vec<f32>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// A buffer of `len` values, whatever they are.
    pub fn take(len: usize) -> Self {
        let reused = {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            let storage = pool.idle.get_mut(&len).and_then(Vec::pop);
            pool.values -= storage.as_ref().map_or(0, |_| len);
            storage
        };
        let storage = reused.unwrap_or_else(|| vec![0.0; len + LINE]);
        let start = storage.as_ptr().align_offset(4 * LINE).min(LINE);
        Self { storage, start, len }
    }

    /// A buffer of zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::take(len);
        buffer.fill(0.0);
        buffer
    }

    /// The buffer as a tensor, without copying; it comes back to the pool with the last of the tensor's clones.
    pub fn into_tensor(self, shape: impl Into<Shape>) -> FlexTensor {
        let owned = bytes::Bytes::from_owner(self);
        let bytes = Bytes::from_shared(owned, burn::tensor::AllocationProperty::Native);
        FlexTensor::from_data(TensorData::from_bytes(bytes, shape, DType::F32))
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.values + self.len <= MOST_IDLE {
            pool.values += self.len;
            pool.idle.entry(self.len).or_default().push(std::mem::take(&mut self.storage));
        }
    }
}
